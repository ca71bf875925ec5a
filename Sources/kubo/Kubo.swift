import ComplexModule
import Foundation

import KuboDiagrams
import KuboFiles
@main struct Main { static func main() async throws {
  let lib = DiagramSet(try DiagramLibrary.read(directories: ["diagrams"]).diagrams)
  let data = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: "data/reference/coefficients.json"))) as! [String: [[String: Any]]]
  for e in data["coefficients"]! {
    let model = try ModelFile.read(path: "data/models/\(e["lattice"]!).yaml").model(setting: ["t": e["t"] as! Double, "t_prime": e["t_prime"] as! Double, "J": e["J"] as! Double])
    let t0 = Date()
    let c = try await Coefficients(model: model, mu: e["mu"] as! Double, temperature: e["temperature"] as! Double, threads: 2)
    say("sigma", c.conductivity.value.real - (e["sigma_c_over_tau"] as! Double), c.conductivity.error, Date().timeIntervalSince(t0), c.gapRatio!)
    for x in c.entries { say(x.name, x.value!.value.real - (e[x.name] as! Double), x.value!.error) }
    let t1 = Date()
    let z: Coefficients; do { z = try await Coefficients(model: model, mu: e["mu"] as! Double, temperature: 0, threads: 2) } catch { say(error); exit(0) }
    let z2 = try await Coefficients(model: model, mu: e["mu"] as! Double, temperature: 0.005, threads: 2)
    let z3 = try await Coefficients(model: model, mu: e["mu"] as! Double, temperature: 0.01, threads: 2)
    say("T=0", z.conductivity, Date().timeIntervalSince(t1), (4*z2.conductivity.value.real - z3.conductivity.value.real)/3)
    for (x, y) in zip(z.entries, zip(z2.entries,z3.entries)) { say(x.name, x.product, (4*y.0.product.value.real-y.1.product.value.real)/3) }
  }
  for e in data["X"]! {
    let model = try ModelFile.read(path: "data/models/\(e["lattice"]!).yaml").model(setting: [:])
    let s = try await SpectrumRequest(model: model, mu: e["mu"] as! Double, temperature: e["temperature"] as! Double, lifetime: .constant(e["Gamma"] as! Double), omegas: e["omega"] as! [Double], columns: [.init(response: Response("X")!, dressing: .bare), .init(response: Response("X")!, dressing: .closed), .init(response: Response("Y")!, dressing: .bare), .init(response: Response("Y")!, dressing: .closed), .init(response: Response("j_sA.xy.canting")!, dressing: .bare)], diagrams: lib, tolerance: 1e-6, threads: 2).spectrum()
    for n in 0..<s.omegas.count { for c in s.columns { say(s.omegas[n], c.request.label, c.values[n]!, c.staticPart!) }
     say((e["re"] as! [Double])[n], (e["im"] as! [Double])[n], e["static"]!) }
  }
  let lines = try String(contentsOfFile: "data/reference/sigma.csv", encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }.dropFirst().map { $0.split(separator: ",").map { Double($0)! } }
  let model = try ModelFile.read(path: "data/models/honeycomb.yaml").model(setting: [:])
  let t0 = Date()
  let s = try await SpectrumRequest(model: model, mu: -1, temperature: 0, lifetime: .constant(0.02), omegas: lines.map { $0[0] }, columns: [.init(response: Response("sigma")!, dressing: .bare)], diagrams: lib, tolerance: 1e-6, threads: 2).spectrum()
  for f in s.failures { say(f) }
  var worst = 0.0, wt = 0.0
  for (n, l) in lines.enumerated() { let v = s.columns[0].values[n]!; worst = max(worst, abs(v.dynamic.real / l[1] - 1), abs(v.dynamic.imaginary / l[2] - 1)); wt = max(wt, max(abs(v.dynamic.real - l[1]), abs(v.dynamic.imaginary - l[2])) / v.error) }
  say("sigma n", s.divisions, "worst rel", worst, wt, Date().timeIntervalSince(t0))
} }
func say(_ items: Any...) { FileHandle.standardOutput.write((items.map { "\($0)" }.joined(separator: " ") + "\n").data(using: .utf8)!) }
