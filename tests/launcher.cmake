# How tests start ranks: lks_mpiexec is the command up to -n, lks_mpi_start() gives a test its environment, LKS_OPEN_MPI
# tells whose MPI library it is. MPICH's launcher (Hydra, also Intel's and MVAPICH's) knows hardly an option of Open MPI's,
# and needs none: it binds nothing, and starts more ranks than there are cores.
include(CheckCSourceCompiles)

function(lks_find_mpi_library)
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
  set(CMAKE_REQUIRED_INCLUDES ${MPI_C_INCLUDE_DIRS})
  set(CMAKE_REQUIRED_QUIET ON)
  check_c_source_compiles("#include <mpi.h>\n#ifndef OPEN_MPI\n#error another one\n#endif\nint x;" LKS_OPEN_MPI)
endfunction()
lks_find_mpi_library()

# A launcher of another library starts N programs of one rank each, and every MPI test would be one of a single rank.
execute_process(COMMAND ${MPIEXEC_EXECUTABLE} --version OUTPUT_VARIABLE version ERROR_VARIABLE version)
if((LKS_OPEN_MPI AND version MATCHES "HYDRA") OR (NOT LKS_OPEN_MPI AND version MATCHES "Open MPI|OpenRTE"))
  message(FATAL_ERROR "${MPIEXEC_EXECUTABLE} is the launcher of another MPI library than ${MPI_C_COMPILER}'s. "
    "Name the right one: cmake -DMPIEXEC_EXECUTABLE=/path/to/mpirun.")
endif()

set(lks_mpiexec ${MPIEXEC_EXECUTABLE})
if(LKS_OPEN_MPI)
  list(APPEND lks_mpiexec --oversubscribe --bind-to none)
endif()

# lks_mpi_start(TEST VARIABLE=VALUE...). One MPI program of Open MPI's that ends removes the folder in which another is
# about to start, unless each has its own.
set(lks_mpi_sessions ${CMAKE_CURRENT_BINARY_DIR}/sessions)
file(MAKE_DIRECTORY ${lks_mpi_sessions})
function(lks_mpi_start test)
  set(environment ${ARGN})
  if(LKS_OPEN_MPI)
    get_filename_component(session ${test} NAME)
    list(APPEND environment OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1
      OMPI_MCA_orte_tmpdir_base=${lks_mpi_sessions}/${session})
  elseif(NOT LOCKSTEP_SANITIZE)
    list(APPEND environment LD_PRELOAD=$<TARGET_FILE:mpi_yield>)
  endif()
  set_tests_properties(${test} PROPERTIES LABELS mpi ENVIRONMENT "${environment}")
endfunction()
if(NOT LKS_OPEN_MPI)
  add_library(mpi_yield MODULE mpi/yield.c)
  set_target_properties(mpi_yield PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/mpi)
  target_link_libraries(mpi_yield PRIVATE lks_flags MPI::MPI_C)
endif()
# No search for other buses, and no libraries for displays and graphics cards: hwloc's.
set(lks_mpi_quick HWLOC_COMPONENTS=-pci,-linuxio HWLOC_PLUGINS_PATH=/dev/null OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive)
