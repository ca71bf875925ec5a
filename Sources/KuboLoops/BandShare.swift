// SPDX-License-Identifier: GPL-3.0-or-later

/// The share of a loop by the bands of its propagators: each choice of band labels belongs to one, so
/// that the shares add up to the whole.
public enum BandShare: String, Sendable, CaseIterable {
  /// All propagators in the lower band.
  case bonding
  /// All propagators in the upper band.
  case antibonding
  /// Propagators of both bands: what a field or the measured operator mixes.
  case interband

  /// Whether the labels belong to it; bit m of `code` is the band of propagator m of `size`.
  package func keeps(_ code: Int, of size: Int) -> Bool {
    switch self {
    case .bonding: code == 0
    case .antibonding: code == 1 << size - 1
    case .interband: code != 0 && code != 1 << size - 1
    }
  }
}

extension DiagramSet {
  /// The shares that the band rules of a response's diagrams leave: both bands where every vertex may keep its
  /// band, `interband` where one may change it. A loop whose measured vertex joins unequal bands has
  /// `interband` alone.
  public func shares(of response: Response) -> [BandShare] {
    BandShare.allCases.filter { share in
      diagrams(of: response).contains { LoopWeights.keptBands($0, ends: nil, share: share) != 0 }
    }
  }
}
