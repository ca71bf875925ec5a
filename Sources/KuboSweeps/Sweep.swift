// SPDX-License-Identifier: GPL-3.0-or-later
import KuboFiles

/// A number that a sweep varies.
public struct SweepAxis: Sendable, Equatable {
  /// The name of its column: the key that the header of a single run has for it, as `mu`, `parameter.J`, `lifetime.site`.
  public let name: String
  /// How it was written, as in `-4:0:41`.
  public let text: String
  /// The unit of the values, if they have one that the name does not say.
  public let unit: String?
  /// The values, in the model's units.
  public let values: [Double]

  /// An axis.
  public init(name: String, text: String, unit: String? = nil, values: [Double]) {
    (self.name, self.text, self.unit, self.values) = (name, text, unit, values)
  }
}

/// The points of a sweep: all combinations of the values of its axes, the last axis fastest, or the values of all axes in step.
public struct Sweep: Sendable, Equatable {
  /// The axes, slowest first.
  public let axes: [SweepAxis]
  /// Whether they go in step.
  public let isZipped: Bool
  /// How many points there are.
  public let count: Int

  /// The most points.
  public static let limit = 100_000_000

  /// A sweep.
  /// - Throws: ``FileError`` for an axis given twice, for axes in step of different lengths, and for too many points.
  public init(_ axes: [SweepAxis], isZipped: Bool = false) throws(FileError) {
    func refusal(_ option: String, _ found: String, _ expected: String) -> FileError {
      FileError(.setting, file: option, found: found, expected: expected)
    }
    for (n, axis) in axes.enumerated() where axes[..<n].contains(where: { $0.name == axis.name }) {
      throw refusal("sweep", "the axis \(axis.name) twice", "each axis once")
    }
    if isZipped, let other = axes.first(where: { $0.values.count != axes[0].values.count }) {
      throw refusal(
        "--zip",
        "\(axes[0].values.count) values of \(axes[0].name), \(other.values.count) of \(other.name)",
        "as many values on each axis")
    }
    var count = axes.first?.values.count ?? 1
    for axis in axes.dropFirst() where !isZipped {
      let (product, isTooLarge) = count.multipliedReportingOverflow(by: axis.values.count)
      count = isTooLarge ? .max : product
    }
    guard count <= Sweep.limit else {
      throw refusal("sweep", "more than \(Sweep.limit) points", "at most \(Sweep.limit)")
    }
    (self.axes, self.isZipped, self.count) = (axes, isZipped, count)
  }

  /// The values of the axes at a point.
  public subscript(point: Int) -> [Double] {
    zip(axes, places(point)).map { axis, n in axis.values[n] }
  }

  /// Which value of each axis a point has.
  func places(_ point: Int) -> [Int] {
    if isZipped { return axes.map { _ in point } }
    var rest = point
    return axes.reversed().map { axis in
      defer { rest /= axis.values.count }
      return rest % axis.values.count
    }.reversed()
  }

  /// A point for messages, as in `mu = -0.5, parameter.J = 1.0`.
  public static func name(_ axes: [SweepAxis], _ values: [Double]) -> String {
    zip(axes, values).map { "\($0.name) = \($1)" }.joined(separator: ", ")
  }
}

/// What a store is of: the program and what was asked for, and the axes.
public struct SweepRun: Sendable, Equatable {
  /// A line of what was asked for.
  public struct Setting: Sendable, Equatable {
    /// As `program`, `omega` or `set`, which may stand several times.
    public let key: String
    /// As it was written.
    public let value: String

    /// A line.
    public init(_ key: String, _ value: String) { (self.key, self.value) = (key, value) }
  }

  /// What was asked for.
  public let settings: [Setting]
  /// The axes, without values where they were read from a store.
  public let axes: [SweepAxis]

  /// A run.
  public init(settings: [Setting], axes: [SweepAxis]) {
    (self.settings, self.axes) = (settings, axes)
  }

  /// The value of a setting.
  public subscript(key: String) -> String? { settings.first { $0.key == key }?.value }

  /// The words of the command line, of settings of the command line alone.
  public func words(_ subcommand: String) -> [String] {
    [subcommand]
      + settings.flatMap { setting -> [String] in
        if setting.key == "model" { return [setting.value] }
        if setting.value.isEmpty { return ["--\(setting.key)"] }
        return setting.value.hasPrefix("-")
          ? ["--\(setting.key)=\(setting.value)"] : ["--\(setting.key)", setting.value]
      }
  }

  /// Refuses the run of a store that is another than this one, with the first setting that differs.
  func check(_ other: SweepRun, of file: String, advice: String) throws(FileError) {
    func values(_ run: SweepRun, _ key: String) -> [String] {
      run.settings.filter { $0.key == key }.map(\.value)
    }
    func text(_ values: [String]) -> String {
      values.isEmpty ? "none" : values.map { "'\($0)'" }.joined(separator: " and ")
    }
    for key in (settings + other.settings).map(\.key)
    where values(self, key) != values(other, key) {
      throw FileError(
        .setting, file: file, key: key, found: text(values(other, key)),
        expected: "\(text(values(self, key))), \(advice)")
    }
  }
}
