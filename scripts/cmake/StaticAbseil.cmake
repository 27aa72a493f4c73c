# Abseil is linked into what is built, where the machine has its archives beside the shared
# libraries. A program starts and forks faster by some thirty mapped libraries (`pvmmu fuzz` forks
# for each run), and runs on a machine that has no Abseil.
get_property(_pvmmu_imported DIRECTORY PROPERTY IMPORTED_TARGETS)
foreach(_pvmmu_target IN LISTS _pvmmu_imported)
  if(NOT _pvmmu_target MATCHES "^absl::")
    continue()
  endif()
  get_target_property(_pvmmu_configurations ${_pvmmu_target} IMPORTED_CONFIGURATIONS)
  foreach(_pvmmu_configuration IN LISTS _pvmmu_configurations)
    set(_pvmmu_property IMPORTED_LOCATION_${_pvmmu_configuration})
    get_target_property(_pvmmu_library ${_pvmmu_target} ${_pvmmu_property})
    string(REGEX REPLACE "\\.so[.0-9]*$" ".a" _pvmmu_archive "${_pvmmu_library}")
    if(EXISTS "${_pvmmu_archive}")
      set_target_properties(${_pvmmu_target} PROPERTIES ${_pvmmu_property} "${_pvmmu_archive}")
    endif()
  endforeach()
endforeach()
