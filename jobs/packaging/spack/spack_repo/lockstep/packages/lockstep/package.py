"""Lockstep for Spack 1.0 and newer. ../../../../README.md tells how to use it."""

from pathlib import Path

from spack_repo.builtin.build_systems.cmake import CMakePackage

from spack.package import *


class Lockstep(CMakePackage):
    """Trains convolutional networks on MNIST-like image sets, on CPUs, over processes with MPI and
    over cores with OpenMP, to the same bits on any number of either."""

    # The clone that this recipe is in. Copied to another repository, it needs the address of one.
    git = Path(__file__).resolve().parents[7].as_uri()

    license("MIT")

    version("main", branch="main")
    version("0.1.0", tag="v0.1.0")

    depends_on("c", type="build")
    depends_on("cmake@3.21:", type="build")
    depends_on("pkgconfig", type="build")

    depends_on("mpi")
    depends_on("hdf5@1.10.2:")
    depends_on("libfyaml@0.7.12:")
    depends_on("libjpeg-turbo")
    depends_on("libpng")
    depends_on("libzip")
    depends_on("openssl")
    depends_on("protobuf-c", type=("build", "link"))
    depends_on("zlib-api")

    # sched_getaffinity, /proc and glibc's argp
    requires("platform=linux", msg="Lockstep needs Linux with glibc")

    def cmake_args(self):
        return [
            self.define("LOCKSTEP_TESTS", False),
            self.define("HDF5_ROOT", self.spec["hdf5"].prefix),
            self.define("MPI_C_COMPILER", self.spec["mpi"].mpicc),
        ]

    def setup_run_environment(self, env: EnvironmentModifications) -> None:
        env.set("LOCKSTEP_HOME", self.prefix.share.lockstep)

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_network(self):
        """The installed program describes a network: all its libraries are found."""
        program = Executable(self.prefix.bin.lockstep)
        program("info", join_path(self.prefix.share.lockstep, "configs", "smoke.yaml"))
