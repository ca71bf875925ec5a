// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams
import KuboFiles

func conductivity(home: String) async throws -> Spectrum {
  let model = try ModelFile.read(path: "\(home)/data/models/square.yaml").model(setting: ["J": 0.6])
  let diagrams = DiagramSet(try DiagramLibrary.read(directories: ["\(home)/diagrams"]).diagrams)
  return try await SpectrumRequest(
    model: model, mu: -1.2, temperature: 0.02, lifetime: .constant(0.05), omegas: [0, 0.5, 1],
    columns: [.init(response: Response("sigma")!, dressing: .bare)], diagrams: diagrams
  ).spectrum()
}
