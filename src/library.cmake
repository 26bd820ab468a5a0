# The library for programs of other people, shared and static, out of the objects that the program is made of. Only
# functions of include/lockstep leave either: all others are hidden. The linker keeps hidden functions inside a shared
# object; for the archive it makes one object of all, in which objcopy then makes them local (-d: its common
# symbols, too).
add_library(lockstep_shared SHARED ${objects})
target_link_libraries(lockstep_shared PRIVATE lks_flags lks_needed)
# OpenMP's critical sections have symbols of their own, which no attribute hides.
file(CONFIGURE OUTPUT exported.map CONTENT "{ global: lks_*; local: *; };\n")
target_link_options(lockstep_shared PRIVATE -Wl,-z,defs -Wl,--version-script=${CMAKE_CURRENT_BINARY_DIR}/exported.map)
# Interfaces may change with each minor version as long as the major one is 0 (jobs/packaging/README.md, "Versions").
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(LKS_SOVERSION 0.${PROJECT_VERSION_MINOR})
  set(LKS_COMPATIBILITY SameMinorVersion)
else()
  set(LKS_SOVERSION ${PROJECT_VERSION_MAJOR})
  set(LKS_COMPATIBILITY SameMajorVersion)
endif()
set_target_properties(lockstep_shared PROPERTIES OUTPUT_NAME lockstep EXPORT_NAME lockstep LINKER_LANGUAGE C
  VERSION ${PROJECT_VERSION} SOVERSION ${LKS_SOVERSION})

set(all_in_one ${CMAKE_CURRENT_BINARY_DIR}/all_in_one.o)
add_custom_command(OUTPUT ${all_in_one} DEPENDS ${objects} COMMAND_EXPAND_LISTS VERBATIM
  COMMAND ${CMAKE_LINKER} -r -d -o ${all_in_one} ${objects}
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden --wildcard --keep-global-symbol=lks_* ${all_in_one})
add_library(lockstep_static STATIC ${all_in_one})
add_dependencies(lockstep_static lockstep_shared) # made of the same objects, which a custom command does not wait for
set_source_files_properties(${all_in_one} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
set_target_properties(lockstep_static PROPERTIES OUTPUT_NAME lockstep EXPORT_NAME static LINKER_LANGUAGE C)
# The archive's users link what it needs: the very files that were found here.
set(needed ${MPI_C_LIBRARIES} ${OpenMP_C_LIBRARIES} ${LKS_LIBRARY_FILES})
list(REMOVE_DUPLICATES needed)
target_link_libraries(lockstep_static INTERFACE $<INSTALL_INTERFACE:${needed}> $<INSTALL_INTERFACE:m>)

foreach(library lockstep_shared lockstep_static)
  target_include_directories(${library} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
# Components: who runs a program needs library, who builds one needs development, too.
install(TARGETS lockstep_shared lockstep_static EXPORT lockstepTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY include/lockstep DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
        FILES_MATCHING PATTERN *.h)

# find_package(lockstep): targets lockstep::lockstep and lockstep::static
include(CMakePackageConfigHelpers)
set(LKS_CMAKE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/lockstep)
install(EXPORT lockstepTargets NAMESPACE lockstep:: DESTINATION ${LKS_CMAKE_FOLDER} FILE lockstepConfig.cmake
        COMPONENT development)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/lockstepConfigVersion.cmake
                                 COMPATIBILITY ${LKS_COMPATIBILITY})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lockstepConfigVersion.cmake DESTINATION ${LKS_CMAKE_FOLDER}
        COMPONENT development)

# mpicc program.c $(pkg-config --cflags --libs lockstep)
file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
list(JOIN needed " " libraries)
file(CONFIGURE OUTPUT lockstep.pc @ONLY CONTENT "prefix=\${pcfiledir}/@up@
Name: lockstep
Description: @PROJECT_DESCRIPTION@
Version: @PROJECT_VERSION@
Cflags: -I\${prefix}/@CMAKE_INSTALL_INCLUDEDIR@
Libs: -L\${prefix}/@CMAKE_INSTALL_LIBDIR@ -llockstep
Libs.private: @libraries@ -lm
")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lockstep.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT development)
