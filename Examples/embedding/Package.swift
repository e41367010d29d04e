// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "embedding",
  dependencies: [.package(name: "ferrule", path: "../..")],
  targets: [
    .executableTarget(
      name: "embedding",
      dependencies: ["FerruleLanguage", "FerruleLinter", "FerruleEvaluator"].map { .product(name: $0, package: "ferrule") })
  ]
)
