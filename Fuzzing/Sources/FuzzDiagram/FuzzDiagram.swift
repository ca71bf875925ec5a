// SPDX-License-Identifier: GPL-3.0-or-later
import KuboFiles

/// The diagram reader on any bytes: it reads them, or says in one line what is wrong.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  do throws(FileError) {
    _ = try DiagramFile.read(bytes, path: "fuzz")
  } catch {
    let message = error.description
    precondition(error.kind == .malformed && message.utf8.count < 20_000)
    precondition(
      message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        && message.contains(": found ") && message.contains("; expected "))
  }
  return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func run(
  _ argc: UnsafeMutablePointer<CInt>,
  _ argv: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// SwiftPM makes `main` another name of this, so that libFuzzer's own is not linked.
@_cdecl("FuzzDiagram_main")
public func main(
  _ argc: CInt, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  var (argc, argv) = (argc, argv)
  return run(&argc, &argv, test)
}
