// The Xen public interface, behind one wrapper: every part includes this header and never
// <xen/...> itself, so that the interface version is chosen in one place.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Without it the headers offer an interface of long ago, with other numbers under the same names.
#define __XEN_INTERFACE_VERSION__ 0x00040e00

#include <xen/xen.h>

#include <xen/callback.h>
#include <xen/elfnote.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/io/console.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
