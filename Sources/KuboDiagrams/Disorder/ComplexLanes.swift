// SPDX-License-Identifier: GPL-3.0-or-later

/// Four real numbers that go through the same arithmetic: four stars of a grid.
typealias Lanes = SIMD4<Double>

/// Four complex numbers. The arithmetic is the same on every processor, bit for bit.
struct ComplexLanes {
  var re, im: Lanes

  @inline(__always)
  init(_ re: Lanes, _ im: Lanes) {
    self.re = re
    self.im = im
  }

  @inline(__always)
  init(_ z: ComplexDouble) {
    re = Lanes(repeating: z.real)
    im = Lanes(repeating: z.imaginary)
  }

  static var zero: ComplexLanes { ComplexLanes(.zero, .zero) }
  static var one: ComplexLanes { ComplexLanes(Lanes(repeating: 1), .zero) }

  @inline(__always)
  static func * (a: ComplexLanes, b: ComplexLanes) -> ComplexLanes {
    ComplexLanes(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)
  }

  @inline(__always)
  static func + (a: ComplexLanes, b: ComplexLanes) -> ComplexLanes {
    ComplexLanes(a.re + b.re, a.im + b.im)
  }

  /// Adds weight * z.
  @inline(__always)
  mutating func add(_ weight: Lanes, _ z: ComplexLanes) {
    re += weight * z.re
    im += weight * z.im
  }

  /// 1/z. The denominators here are energies, far from overflow.
  var reciprocal: ComplexLanes {
    @inline(__always) get {
      let n = 1 / (re * re + im * im)
      return ComplexLanes(re * n, -im * n)
    }
  }

  /// |z|^2.
  var square: Lanes {
    @inline(__always) get { re * re + im * im }
  }

  /// The sum of the four, in a fixed order.
  var total: ComplexDouble { ComplexDouble(re.sum4, im.sum4) }
}

extension SIMD4<Double> {
  /// The sum of the four, in a fixed order.
  @inline(__always)
  var sum4: Double { (self[0] + self[1]) + (self[2] + self[3]) }
}
