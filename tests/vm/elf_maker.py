"""Small ELF files, good and bad, made by hand."""

import struct

PT_LOAD, PT_NOTE = 1, 4
BASE = 0xFFFFFFFF80000000
ENTRY, HYPERCALL_PAGE, VIRT_BASE = 1, 2, 3  # [xen/public/elfnote.h]
GUEST_OS, LOADER, PAE_MODE, XEN_VERSION = 6, 8, 9, 5


def note(kind, value):
    data = value.encode() + b"\0" if isinstance(value, str) else struct.pack("<Q", value)
    padded = data + b"\0" * (-len(data) % 4)
    return struct.pack("<III", 4, len(data), kind) + b"Xen\0" + padded


def xen_notes():
    return (
        note(GUEST_OS, "test")
        + note(XEN_VERSION, "xen-3.0")
        + note(LOADER, "generic")
        + note(PAE_MODE, "yes")
        + note(VIRT_BASE, BASE)
        + note(ENTRY, BASE + 0x100000)
    )


class Segment:
    def __init__(self, paddr, data, memory_size=None, vaddr=None, kind=PT_LOAD):
        self.paddr = paddr
        self.vaddr = BASE + paddr if vaddr is None else vaddr
        self.data = data
        self.memory_size = len(data) if memory_size is None else memory_size
        self.kind = kind


def elf(segments, notes=None, entry=BASE + 0x100000):
    """An ELF64 file for x86-64 with these segments, and Xen's notes if they are given."""
    segments = list(segments)
    if notes is not None:
        segments.append(Segment(0, notes, kind=PT_NOTE, vaddr=0))
    header_size = 64 + 56 * len(segments)
    headers, body = b"", b""
    for segment in segments:
        offset = header_size + len(body)
        headers += struct.pack(
            "<IIQQQQQQ",
            segment.kind,
            7,
            offset,
            segment.vaddr & (2**64 - 1),
            segment.paddr & (2**64 - 1),
            len(segment.data),
            segment.memory_size,
            4,
        )
        body += segment.data + b"\0" * (-len(segment.data) % 4)
    identity = b"\x7fELF" + bytes([2, 1, 1, 0]) + b"\0" * 8
    header = identity + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, entry, 64, 0, 0, 64, 56, len(segments), 64, 0, 0
    )
    return header + headers + body
