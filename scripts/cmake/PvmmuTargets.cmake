# The two builds of the project: hosted code (libraries, the VMM, tests) and
# freestanding images (the guest kernel and the programs that run in it).

add_library(pvmmu_warnings INTERFACE)
target_compile_options(pvmmu_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wconversion -Wshadow -Werror>)

# Hosted targets link this: warnings, and the sanitizers where they are asked for.
add_library(pvmmu_hosted INTERFACE)
target_link_libraries(pvmmu_hosted INTERFACE pvmmu_warnings)
if(PVMMU_SANITIZE)
  target_compile_options(pvmmu_hosted INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(pvmmu_hosted INTERFACE -fsanitize=address,undefined)
endif()

# The rules for freestanding C++: no heap, exceptions, RTTI, red zone, vector
# registers, or anything that an operating system provides. Always optimised,
# whatever the preset, so that the images are the same in every build.
set(PVMMU_FREESTANDING_OPTIONS
  -ffreestanding -fno-exceptions -fno-rtti -fno-stack-protector
  -fno-asynchronous-unwind-tables -fno-threadsafe-statics -fno-pic -fno-pie
  -fcf-protection=none -mno-red-zone -mgeneral-regs-only -fno-omit-frame-pointer
  -ffunction-sections -fdata-sections -O2 -g)

# pvmmu_freestanding_image(NAME LINKER_SCRIPT file [OPTIONS ...] SOURCES ...)
# An ELF image that runs without an operating system.
function(pvmmu_freestanding_image name)
  cmake_parse_arguments(ARG "" "LINKER_SCRIPT" "SOURCES;OPTIONS;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE pvmmu_warnings ${ARG_LIBRARIES})
  target_compile_options(${name} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:${PVMMU_FREESTANDING_OPTIONS}>
    $<$<COMPILE_LANGUAGE:ASM>:-g> ${ARG_OPTIONS})
  target_link_options(${name} PRIVATE
    -nostdlib -static -no-pie -Wl,--build-id=none -Wl,--gc-sections
    -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack
    -Wl,-T,${CMAKE_CURRENT_SOURCE_DIR}/${ARG_LINKER_SCRIPT})
  set_target_properties(${name} PROPERTIES
    LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_LINKER_SCRIPT} POSITION_INDEPENDENT_CODE OFF)
endfunction()
