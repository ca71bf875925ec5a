// swift-tools-version: 6.2
// SPDX-License-Identifier: GPL-3.0-or-later
import PackageDescription

let complex = Target.Dependency.product(name: "ComplexModule", package: "swift-numerics")
let real = Target.Dependency.product(name: "RealModule", package: "swift-numerics")

/// The tests of a module. Where their own loops are short, or stand in KuboTestSupport and UniformGrid, to optimise them takes far
/// longer than it saves.
func tests(
  _ module: String, _ others: [Target.Dependency] = [], exclude: [String] = [],
  isOptimized: Bool = false
) -> Target {
  .testTarget(
    name: module + "Tests",
    dependencies: [.target(name: module), "KuboTestSupport", complex, real] + others,
    exclude: exclude, swiftSettings: isOptimized ? [] : [.unsafeFlags(["-Onone"])])
}

let package = Package(
  name: "kubo",
  products: [
    .executable(name: "kubo", targets: ["kubo"]),
    .library(name: "KuboDiagrams", targets: ["KuboDiagrams", "KuboOrbitals", "KuboVerification"]),
    .library(name: "KuboTextures", targets: ["KuboTextures"]),
    .library(name: "KuboFiles", targets: ["KuboFiles"]),
  ],
  traits: [
    .trait(name: "NetCDF", description: "Tables as netCDF-4 files, by libnetcdf."),
    .trait(name: "MPI", description: "Sweeps on many machines, by Open MPI."),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.0.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
  ],
  targets: [
    // GSL 2.7, the GNU Scientific Library.
    .systemLibrary(name: "CGSL", pkgConfig: "gsl", providers: [.apt(["libgsl-dev"])]),
    // LAPACK and BLAS by their C interfaces.
    .systemLibrary(name: "CLAPACK", pkgConfig: "lapacke", providers: [.apt(["liblapacke-dev"])]),
    // SHA-256 of the model file, for the header of every output.
    .systemLibrary(name: "CMessageDigest", pkgConfig: "libmd", providers: [.apt(["libmd-dev"])]),
    // netCDF and MPI, for builds with these traits.
    .systemLibrary(name: "CNetCDF", pkgConfig: "netcdf", providers: [.apt(["libnetcdf-dev"])]),
    .systemLibrary(name: "COpenMPI", pkgConfig: "mpi-c", providers: [.apt(["libopenmpi-dev"])]),
    // Integrals and their error estimates; knows no physics.
    .target(
      name: "Quadrature",
      dependencies: ["CGSL", real]),
    // The innermost loops of zone averages at complex energies, for several instruction sets.
    .target(name: "CZoneSums", linkerSettings: [.linkedLibrary("m")]),
    // Threads, progress and numbers in messages.
    .target(name: "KuboWork", dependencies: [complex, real]),
    // The equations of motion of textures and their integration by GSL.
    .target(
      name: "CTextures", dependencies: ["CGSL"],
      // For clones.h, which is no part of CZoneSums' interface.
      cSettings: [.headerSearchPath("../CZoneSums")], linkerSettings: [.linkedLibrary("m")]),
    // Antiferromagnetic textures on a line: trajectories, observables, closed results; knows no electrons.
    .target(name: "KuboTextures", dependencies: ["CTextures", "KuboWork", complex, real]),
    // Crystal, Bloch Hamiltonian and its frame, symmetries, grids, displaced zones.
    .target(name: "KuboLattice", dependencies: ["KuboWork", "CZoneSums", complex, real]),
    // Integrals over the zone and their error bounds; know no loops.
    .target(
      name: "KuboZoneIntegrals",
      dependencies: ["KuboLattice", "KuboWork", "Quadrature", complex, real]),
    // Diagrams as traces at k, and their energy integrals.
    .target(
      name: "KuboLoops", dependencies: ["KuboLattice", "Quadrature", "CZoneSums", complex, real]),
    // Loops summed over the real zone and over displaced zones, Fermi surfaces.
    .target(
      name: "KuboZoneSums",
      dependencies: [
        "KuboLattice", "KuboLoops", "KuboWork", "KuboZoneIntegrals", "Quadrature", "CZoneSums",
        complex, real,
      ]),
    // Collinear magnets with any orbitals: both spins in their own bands, at real wave vectors.
    .target(
      name: "KuboOrbitals",
      dependencies: [
        "KuboLattice", "KuboLoops", "KuboWork", "KuboZoneIntegrals", "Quadrature", "CLAPACK",
        complex, real,
      ]),
    // Self-energies and ladders, and the zone averages of the energy integral.
    .target(
      name: "KuboDisorder",
      dependencies: [
        "KuboLattice", "KuboLoops", "KuboWork", "KuboZoneIntegrals", "KuboZoneSums", "Quadrature",
        "CZoneSums", complex, real,
      ]),
    // Requests and responses: the two engines, coefficients, torques. Exports what it stands on.
    .target(
      name: "KuboDiagrams",
      dependencies: [
        "KuboDisorder", "KuboLattice", "KuboLoops", "KuboWork", "KuboZoneIntegrals",
        "KuboZoneSums", "Quadrature", "CLAPACK", "CZoneSums", complex, real,
      ]),
    // Exact statements, explicit matrices, the audit.
    .target(
      name: "KuboVerification",
      dependencies: ["KuboDiagrams", "KuboOrbitals", "CLAPACK", complex, real]),
    // Strict YAML in, CSV out.
    .target(
      name: "KuboFiles",
      dependencies: [
        "KuboDiagrams", "KuboOrbitals", "KuboTextures", "KuboVerification", complex,
        "CMessageDigest", "Yams",
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    // Tables as netCDF-4 files, with the trait NetCDF.
    .target(
      name: "KuboNetCDF",
      dependencies: ["KuboFiles", .target(name: "CNetCDF", condition: .when(traits: ["NetCDF"]))]),
    // Messages between the processes of a run, with the trait MPI.
    .target(
      name: "KuboMPI",
      dependencies: [.target(name: "COpenMPI", condition: .when(traits: ["MPI"]))]),
    // Points of axes, and the database of those that are done.
    .target(
      name: "KuboSweeps",
      dependencies: [
        "KuboFiles", "KuboNetCDF", "KuboWork", .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    .executableTarget(
      name: "kubo",
      dependencies: [
        "KuboFiles", "KuboMPI", "KuboNetCDF", "KuboOrbitals", "KuboSweeps", "KuboTextures",
        "KuboVerification", "Quadrature", complex,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    // What Benchmarks/run measures besides whole jobs.
    .executableTarget(
      name: "kernel-benchmarks", dependencies: ["CZoneSums"], path: "Benchmarks/Kernels"),
    // Loops on uniform grids, independent of the physics above; for tests.
    .target(
      name: "UniformGrid", dependencies: ["CLAPACK"], path: "Tests/Support/UniformGrid"),
    // Shipped models, lattices and random numbers that tests of several modules share.
    .target(
      name: "KuboTestSupport", dependencies: ["KuboFiles", "KuboVerification", complex, real],
      path: "Tests/Support/KuboTestSupport"),
    tests("Quadrature"),
    tests("KuboWork"),
    tests("KuboTextures"),
    tests("KuboLattice", ["KuboDiagrams", "KuboVerification"]),
    tests("KuboZoneIntegrals", ["KuboDiagrams", "KuboLattice"], isOptimized: true),
    tests("KuboLoops", ["KuboDiagrams", "KuboFiles", "KuboVerification", "CGSL"]),
    tests("KuboZoneSums", ["KuboDiagrams", "KuboFiles", "CZoneSums"], isOptimized: true),
    tests(
      "KuboOrbitals",
      [
        "KuboDiagrams", "KuboFiles", "KuboLattice", "KuboLoops", "KuboZoneIntegrals",
        "UniformGrid", "CLAPACK",
      ]),
    tests("KuboDisorder", ["KuboDiagrams", "KuboFiles"]),
    tests(
      "KuboDiagrams", ["KuboFiles", "KuboVerification", "Quadrature", "UniformGrid"]),
    tests("KuboVerification", ["KuboDiagrams", "KuboFiles"]),
    tests("KuboFiles", ["KuboDiagrams", "KuboTextures"]),
    tests("KuboSweeps", ["KuboFiles", .product(name: "GRDB", package: "GRDB.swift")]),
    tests(
      "kubo", ["KuboDiagrams", "KuboFiles", "Quadrature", "Yams"],
      exclude: ["CommandLine/Refusals"]),
  ],
  swiftLanguageModes: [.v6], cxxLanguageStandard: .cxx17
)

// `scripts/docs` builds the documentation; whoever uses the package needs no plugin for that.
if Context.environment["KUBO_DOCS"] != nil {
  package.dependencies.append(
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}
