// swift-tools-version: 6.2
// SPDX-License-Identifier: GPL-3.0-or-later
import PackageDescription

// A package of its own: libFuzzer needs flags that no other build should have; see Fuzzing/run.
let package = Package(
  name: "fuzzing",
  dependencies: [.package(name: "kubo", path: "..")],
  targets: [
    .executableTarget(
      name: "FuzzModel", dependencies: [.product(name: "KuboFiles", package: "kubo")],
      swiftSettings: [.unsafeFlags(["-parse-as-library"])]),
    .executableTarget(
      name: "FuzzDiagram", dependencies: [.product(name: "KuboFiles", package: "kubo")],
      swiftSettings: [.unsafeFlags(["-parse-as-library"])]),
  ],
  swiftLanguageModes: [.v6]
)
