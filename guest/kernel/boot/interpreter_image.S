/* The interpreter's ELF file; INTERPRETER_FILE is its path in the build tree. */
  .section .rodata.interpreter, "a", @progbits
  .balign 4096
  .globl interpreter_image_start
interpreter_image_start:
  .incbin INTERPRETER_FILE
  .globl interpreter_image_end
interpreter_image_end:
  .section .note.GNU-stack, "", @progbits
