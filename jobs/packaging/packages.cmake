# Debian packages, by cpack -G DEB in a build folder, one archive by cpack -G TGZ (README.md tells how), and the environment
# module.

# --- an environment module for Lmod -----------------------------------------------------------------------
configure_file(${CMAKE_CURRENT_LIST_DIR}/module.lua.in module.lua @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/module.lua RENAME ${PROJECT_VERSION}.lua COMPONENT module
        DESTINATION ${CMAKE_INSTALL_DATADIR}/lockstep/modulefiles/lockstep)

# --- three packages ---------------------------------------------------------------------------------------
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_SOURCE_GENERATOR TGZ)
set(CPACK_SOURCE_IGNORE_FILES /\\.git/ /build/ /data/ /runs/)
set(CPACK_PACKAGE_NAME lockstep)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL program library development) # not module: Debian's packages need none
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_STRIP_FILES ON)
# Not -1: that would be Debian's own first package, before which these sort.
set(CPACK_DEBIAN_PACKAGE_RELEASE 0lockstep1)
set(debian_version ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
# Who builds a package for others names himself in the environment, as Debian's own tools have it.
set(name "Lockstep contributors")
set(address lockstep@example.org)
if(NOT "$ENV{DEBFULLNAME}" STREQUAL "" AND NOT "$ENV{DEBEMAIL}" STREQUAL "")
  set(name "$ENV{DEBFULLNAME}")
  set(address "$ENV{DEBEMAIL}")
endif()
set(CPACK_PACKAGE_CONTACT "${name} <${address}>")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${CPACK_PACKAGE_CONTACT}")

# Which MPI library it is decides whose mpirun starts the program: no library tells that.
set(launcher openmpi-bin)
set(mpi libopenmpi-dev)
if("${MPI_C_LIBRARIES}" MATCHES "mpich")
  set(launcher mpich)
  set(mpi libmpich-dev)
endif()

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME lockstep)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS ${launcher})
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "ca-certificates, curl") # jobs/fetch-data.sh
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "Trains convolutional networks on MNIST-like image sets, on CPUs, over
processes with MPI and over cores with OpenMP. The weights are the same bits
on any number of processes, threads and hosts.
.
This package has the program, its manual pages and all others, configurations,
and scripts that start it on one machine or under Slurm.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME liblockstep${LKS_SOVERSION})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY >=)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_LIST_DIR}/debian/triggers)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "Trains and evaluates convolutional networks in a program of one's own, with
bits that do not depend on the number of processes, threads and hosts.
.
This package has the shared library.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME liblockstep-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
list(JOIN LKS_DEBIAN_PACKAGES ", " needed)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "${CPACK_DEBIAN_LIBRARY_PACKAGE_NAME} (= ${debian_version}), ${mpi}, ${needed}")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS "lockstep (= ${debian_version})") # the library's page, train, evaluate
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "Trains and evaluates convolutional networks in a program of one's own, with
bits that do not depend on the number of processes, threads and hosts.
.
This package has headers, the archive for static linking, what CMake and
pkg-config need, and examples. The page on the library is in lockstep's.")

# Only Debian wants several packages, and a place: an archive is one tree, which may be unpacked anywhere.
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_BINARY_DIR}/cpack_project.cmake)
file(WRITE ${CPACK_PROJECT_CONFIG_FILE} "if(NOT CPACK_GENERATOR STREQUAL DEB)
  set(CPACK_PACKAGING_INSTALL_PREFIX /)
  set(CPACK_MONOLITHIC_INSTALL ON)
  unset(CPACK_PRE_BUILD_SCRIPTS)
endif()\n")
# What only Debian wants is done to the files of the packages, not to those of each installation.
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/debian/finish.cmake)
set(CPACK_LKS_VERSION ${PROJECT_VERSION})
set(CPACK_LKS_DEBIAN_VERSION ${debian_version})
set(CPACK_LKS_SOURCE ${CMAKE_SOURCE_DIR})
include(CPack)
