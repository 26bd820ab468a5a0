# The libraries that the program is made of: each becomes a target lks::NAME, by CMake's own search (CMAKE_PREFIX_PATH,
# NAME_ROOT) first and by pkg-config second. One that is not found is named with what to install or to set.
#
# Left behind are
#   LKS_LIBRARY_FILES     the files of all of them, which users of the archive link
#   LKS_DEBIAN_PACKAGES   Debian's packages of them
#   LKS_VENDORED_OBJECTS  what is to become a part of the library, since it is built here and installed nowhere
# Folders of libraries that the loader does not search anyway are in CMAKE_INSTALL_RPATH, unless the user has set that.
include(CheckCSourceCompiles)

set(LKS_LIBRARY_FILES "")
set(LKS_DEBIAN_PACKAGES "")
set(LKS_VENDORED_OBJECTS "")
set(lks_folders "")

function(lks_missing what debian root)
  set(where "${${root}}")
  if("${where}" STREQUAL "")
    set(where "$ENV{${root}}")
  endif()
  if(NOT "${where}" STREQUAL "")
    set(what "${what}, which ${root} says is in ${where},")
  endif()
  if(NOT PkgConfig_FOUND)
    set(debian "${debian} pkg-config")
  endif()
  message(FATAL_ERROR "${what} is missing. Debian/Ubuntu: apt-get install ${debian}; jobs/install-deps.sh knows dnf, zypper "
    "and pacman, too. Where it is installed in a folder of its own (an environment module, Spack, conda-forge), "
    "name that folder: cmake -D${root}=DIR, or -DCMAKE_PREFIX_PATH=DIR for all libraries.")
endfunction()

# lks_note_library(FILE): one more file, and where the loader finds it
macro(lks_note_library file)
  list(APPEND LKS_LIBRARY_FILES "${file}")
  get_filename_component(real "${file}" REALPATH)
  get_filename_component(folder "${real}" DIRECTORY)
  if(real MATCHES "\\.(so|dylib)" AND NOT folder IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
    list(APPEND lks_folders "${folder}")
  endif()
endmacro()

# lks_library(NAME WHAT PACKAGE TARGET MODULE DEBIAN): one that CMake, or the library itself, has a package for
macro(lks_library name what package target module debian)
  find_package(${package} QUIET)
  set(found ${target})
  if(NOT TARGET ${target} AND PkgConfig_FOUND)
    pkg_check_modules(LKS_${name} QUIET IMPORTED_TARGET ${module})
    set(found PkgConfig::LKS_${name})
  endif()
  if(NOT TARGET ${found})
    lks_missing("${what}" ${debian} ${package}_ROOT)
  endif()
  add_library(lks::${name} INTERFACE IMPORTED)
  target_link_libraries(lks::${name} INTERFACE ${found})
  if(found STREQUAL "${target}")
    get_target_property(location ${target} LOCATION)
  else()
    list(GET LKS_${name}_LINK_LIBRARIES 0 location)
  endif()
  lks_note_library("${location}")
  list(APPEND LKS_DEBIAN_PACKAGES ${debian})
endmacro()

lks_library(zlib zlib ZLIB ZLIB::ZLIB zlib zlib1g-dev)
lks_library(png libpng PNG PNG::PNG libpng libpng-dev)
lks_library(jpeg "libjpeg (libjpeg-turbo)" JPEG JPEG::JPEG libjpeg libjpeg-dev)
lks_library(crypto "OpenSSL's libcrypto" OpenSSL OpenSSL::Crypto libcrypto libssl-dev)
lks_library(protobufc protobuf-c protobuf-c protobuf-c::protobuf-c libprotobuf-c libprotobuf-c-dev)
find_program(PROTOC_C protoc-c HINTS "${protobuf-c_ROOT}" "$ENV{protobuf-c_ROOT}" PATH_SUFFIXES bin)
if(NOT PROTOC_C)
  lks_missing("protoc-c, protobuf-c's compiler," protobuf-c-compiler protobuf-c_ROOT)
endif()

# Debian's package of libzip for CMake names programs, too, and ends with an error where they are not installed; so where
# no folder is named, pkg-config comes first.
if(PkgConfig_FOUND AND NOT libzip_ROOT AND "$ENV{libzip_ROOT}" STREQUAL "")
  pkg_check_modules(LKS_zip QUIET IMPORTED_TARGET libzip)
  set(CMAKE_DISABLE_FIND_PACKAGE_libzip ${LKS_zip_FOUND})
endif()
lks_library(zip libzip libzip libzip::zip libzip libzip-dev)

# --- libfyaml, which not every system has -----------------------------------------------------------------
# The fetched one becomes a part of liblockstep. FETCHCONTENT_SOURCE_DIR_LIBFYAML names a copy for builds without network.
function(lks_fetch_libfyaml)
  include(FetchContent)
  # No folder of the source is called so: it is added below, with what is said before.
  FetchContent_Declare(libfyaml GIT_REPOSITORY https://github.com/pantoniou/libfyaml.git
    GIT_TAG 1ed9bae3b1e5fc57e31a14a2ea12810fdf423473 SOURCE_SUBDIR populate-only) # v0.9.6
  FetchContent_MakeAvailable(libfyaml)
  foreach(unwanted BUILD_SHARED_LIBS BUILD_TESTING ENABLE_NETWORK ENABLE_LIBCLANG ENABLE_REFLECTION)
    set(${unwanted} OFF)
  endforeach()
  add_subdirectory(${libfyaml_SOURCE_DIR} ${libfyaml_BINARY_DIR} EXCLUDE_FROM_ALL)
  if(NOT TARGET libfyaml::libfyaml)
    message(FATAL_ERROR "${libfyaml_SOURCE_DIR} is no libfyaml of version 0.9.6 or newer.")
  endif()
  get_target_property(built libfyaml::libfyaml ALIASED_TARGET)
  # The rules that lints find in compile commands are for the program's own files.
  get_property(targets DIRECTORY ${libfyaml_SOURCE_DIR} PROPERTY BUILDSYSTEM_TARGETS)
  set_target_properties(${targets} PROPERTIES EXPORT_COMPILE_COMMANDS OFF)
  get_target_property(parts ${built} SOURCES)
  list(FILTER parts INCLUDE REGEX "^\\$<TARGET_OBJECTS:")
  set(LKS_VENDORED_OBJECTS $<TARGET_OBJECTS:${built}> ${parts} PARENT_SCOPE)
  add_library(lks::fyaml INTERFACE IMPORTED GLOBAL)
  target_include_directories(lks::fyaml INTERFACE ${libfyaml_SOURCE_DIR}/include)
  install(FILES ${libfyaml_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME LICENSE.libfyaml)
endfunction()

option(LOCKSTEP_FETCH_LIBFYAML "Fetch libfyaml and make it a part of liblockstep, where the system has none" OFF)
if(LOCKSTEP_FETCH_LIBFYAML)
  lks_fetch_libfyaml()
else()
  lks_library(fyaml "libfyaml (where no package has it: cmake -DLOCKSTEP_FETCH_LIBFYAML=ON)" libfyaml
    libfyaml::libfyaml libfyaml libfyaml-dev)
endif()

# --- HDF5 -------------------------------------------------------------------------------------------------
# Any build of it will do: one rank writes, one thread at a time is in it (src/io/h5), and ranks open no file together. So
# neither a parallel nor a thread-safe one is needed, and neither does harm.
find_package(HDF5 QUIET COMPONENTS C)
if(HDF5_FOUND)
  set(files ${HDF5_C_LIBRARIES})
  set(headers ${HDF5_C_INCLUDE_DIRS} ${HDF5_INCLUDE_DIRS})
  # The compiler wrapper h5cc names all that a static library needs. A shared one brings it along.
  set(shared ${files})
  list(FILTER shared INCLUDE REGEX "/libhdf5[^/]*\\.(so|dylib)")
  if(shared)
    list(GET shared 0 files)
  endif()
elseif(NOT HDF5_ROOT AND "$ENV{HDF5_ROOT}" STREQUAL "" AND PkgConfig_FOUND)
  pkg_search_module(LKS_HDF5 QUIET hdf5-serial hdf5)
  set(HDF5_FOUND ${LKS_HDF5_FOUND})
  set(files ${LKS_HDF5_LINK_LIBRARIES})
  set(headers ${LKS_HDF5_INCLUDE_DIRS})
endif()
if(NOT HDF5_FOUND)
  lks_missing(HDF5 libhdf5-dev HDF5_ROOT)
endif()
list(REMOVE_DUPLICATES headers)
set(location "")
foreach(entry ${files})
  if(TARGET ${entry})
    get_target_property(entry ${entry} LOCATION)
  endif()
  if(NOT location AND entry MATCHES "libhdf5" AND EXISTS "${entry}")
    set(location "${entry}")
  endif()
  if(NOT entry MATCHES "^[/-]") # a static HDF5 needs others, which h5cc may only name
    set(entry "-l${entry}")
  endif()
  lks_note_library("${entry}")
endforeach()

# lks_hdf5_has(VARIABLE CONDITION): what the preprocessor says of it. Not kept: the next time it may be of another HDF5.
function(lks_hdf5_has variable condition)
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
  set(CMAKE_REQUIRED_INCLUDES ${headers} ${MPI_C_INCLUDE_DIRS})
  set(CMAKE_REQUIRED_DEFINITIONS ${HDF5_DEFINITIONS})
  set(CMAKE_REQUIRED_QUIET ON)
  check_c_source_compiles("#include <hdf5.h>\n#if !(${condition})\n#error no\n#endif\nint x;" LKS_HDF5_ANSWER)
  set(${variable} "${LKS_HDF5_ANSWER}" PARENT_SCOPE)
  unset(LKS_HDF5_ANSWER CACHE)
endfunction()
lks_hdf5_has(usable "H5_VERSION_GE(1, 10, 2)")
lks_hdf5_has(parallel "defined H5_HAVE_PARALLEL")
if(NOT usable)
  message(FATAL_ERROR "HDF5 in ${headers} cannot be used: its hdf5.h does not compile, or is older than 1.10.2. "
    "Name another one: cmake -DHDF5_ROOT=DIR.")
endif()

add_library(lks::hdf5 INTERFACE IMPORTED)
target_include_directories(lks::hdf5 INTERFACE ${headers})
target_compile_options(lks::hdf5 INTERFACE ${HDF5_DEFINITIONS})
target_link_libraries(lks::hdf5 INTERFACE ${files})
# A parallel one includes mpi.h, and calls MPI when it starts: it has to be the program's MPI library.
if(parallel)
  target_link_libraries(lks::hdf5 INTERFACE MPI::MPI_C)
  lks_hdf5_has(with_open_mpi "defined OPEN_MPI")
  set(of_open_mpi "")
  if(location)
    file(STRINGS "${location}" of_open_mpi REGEX "ompi_mpi_comm_null" LIMIT_COUNT 1)
  endif()
  if(location AND ((of_open_mpi AND NOT with_open_mpi) OR (with_open_mpi AND NOT of_open_mpi)))
    message(FATAL_ERROR "HDF5 in ${location} is a parallel one, of another MPI library than ${MPI_C_COMPILER}. Take a "
      "serial one (Debian/Ubuntu: apt-get install libhdf5-dev), or one of this MPI library: cmake -DHDF5_ROOT=DIR.")
  endif()
  message(STATUS "HDF5: ${files} (parallel)")
else()
  message(STATUS "HDF5: ${files}")
endif()
if(NOT parallel)
  list(APPEND LKS_DEBIAN_PACKAGES libhdf5-dev)
elseif(with_open_mpi)
  list(APPEND LKS_DEBIAN_PACKAGES libhdf5-openmpi-dev)
else()
  list(APPEND LKS_DEBIAN_PACKAGES libhdf5-mpich-dev)
endif()

list(REMOVE_DUPLICATES lks_folders)
if(NOT DEFINED CMAKE_INSTALL_RPATH)
  set(CMAKE_INSTALL_RPATH ${lks_folders})
endif()
