// swift-tools-version: 6.2
// SPDX-License-Identifier: GPL-3.0-or-later
import PackageDescription

let package = Package(
  name: "chain",
  dependencies: [.package(name: "kubo", path: "../..")],
  targets: [
    .executableTarget(
      name: "chain",
      dependencies: [
        .product(name: "KuboDiagrams", package: "kubo"),
        .product(name: "KuboFiles", package: "kubo"),
      ])
  ]
)
