// SPDX-License-Identifier: GPL-3.0-or-later
#if NetCDF
  import CNetCDF
  import KuboFiles

  /// Reads what ``NetCDFWriter`` wrote as the table that it was.
  final class NetCDFReader {
    private let path: String
    private var file: CInt = 0
    private var isOpen = false

    /// The largest file, in bytes, and the most values: pictures and comparisons are made in memory.
    private static let sizeLimit = 1 << 28
    private static let valueLimit = 20_000_000

    init(path: String) throws(FileError) {
      self.path = path
      // That it is a file, and of which size.
      _ = try InputFile(path: path, limit: NetCDFReader.sizeLimit)
      // By its path: of an image in memory HDF5 does not see that it was cut off.
      let code = nc_open(path, NC_NOWRITE, &file)
      isOpen = code == NC_NOERR
      guard isOpen else {
        throw refusal("no netCDF file (\(String(cString: nc_strerror(code))))")
      }
    }

    deinit { if isOpen { nc_close(file) } }

    private func refusal(_ found: String) -> FileError {
      FileError(
        .malformed, file: path, found: found, expected: "a netCDF file that kubo has written")
    }

    private func check(_ code: CInt) throws(FileError) {
      guard code == NC_NOERR else { throw refusal(String(cString: nc_strerror(code))) }
    }

    /// The name that a function of the library writes.
    private func name(_ read: (UnsafeMutablePointer<CChar>) -> CInt) throws(FileError) -> String {
      var text = [CChar](repeating: 0, count: Int(NC_MAX_NAME) + 1)
      let code = text.withUnsafeMutableBufferPointer { read($0.baseAddress!) }
      try check(code)
      return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    // MARK: The table

    /// A variable of numbers.
    private struct Variable {
      let name: String
      let dimensions: [CInt]
      let values: [Double]
    }

    func table() throws(FileError) -> CSVFile {
      let header = try header()
      guard header.contains(where: { $0.key == "program" && $0.value.hasPrefix("kubo ") }) else {
        throw refusal("a file of another program")
      }
      let axes = header.filter { $0.key.family == .axis }.map(\.key.name)
      let names = header.filter { $0.key == NetCDFWriter.order }.map(\.value)
      let (found, status) = try variables()
      // The library has those of dimensions first; those of the axes are.
      let variables = names.compactMap { name in found.first { $0.name == name } }
      guard variables.count == names.count, axes == Array(names.prefix(axes.count)),
        variables.count > axes.count,
        let whole = variables.max(by: { $0.dimensions.count < $1.dimensions.count }),
        let inner = try whole.dimensions.last.map(length), inner > 0
      else { throw refusal("other variables") }
      let isZipped =
        !axes.isEmpty && variables[0].dimensions == variables[axes.count - 1].dimensions
        && axes.count > 1
      let shape =
        isZipped ? [variables[0].values.count] : axes.indices.map { variables[$0].values.count }
      let count = whole.values.count / inner
      let columns = variables.dropFirst(axes.count)
      guard columns.allSatisfy({ [inner, count * inner].contains($0.values.count) }),
        shape.reduce(1.0, { $0 * Double($1) }) == Double(count),
        status.isEmpty || status.count == count
      else { throw refusal("variables of other lengths") }
      var rows: [[Double?]] = []
      for point in 0..<count
      where status.isEmpty || status[point] != GridTable.Status.notComputed.rawValue {
        var rest = point
        var place: [Double] = []
        for n in axes.indices.reversed() {
          place.insert(variables[n].values[isZipped ? point : rest % shape[n]], at: 0)
          if !isZipped { rest /= shape[n] }
        }
        for n in 0..<inner {
          let own = columns.map { column -> Double? in
            let value = column.values[column.values.count == inner ? n : point * inner + n]
            return value == NC_FILL_DOUBLE ? nil : value
          }
          rows.append(place + own)
        }
      }
      guard rows.joined().allSatisfy({ $0?.isFinite ?? true }) else {
        throw refusal("a number that is not finite")
      }
      return CSVFile(
        header: header.filter { $0.key != NetCDFWriter.order }, columns: variables.map(\.name),
        rows: rows)
    }

    private func length(_ dimension: CInt) throws(FileError) -> Int {
      var length = 0
      try check(nc_inq_dimlen(file, dimension, &length))
      return length
    }

    private func header() throws(FileError) -> Header {
      var count: CInt = 0
      try check(nc_inq_natts(file, &count))
      var header: Header = []
      for n in 0..<count {
        let key = try name { nc_inq_attname(file, NC_GLOBAL, n, $0) }
        var (type, length): (nc_type, Int) = (0, 0)
        try check(nc_inq_att(file, NC_GLOBAL, key, &type, &length))
        guard type == NC_CHAR else { throw refusal("the attribute \(key), no text") }
        var text = [CChar](repeating: 0, count: length)
        try check(nc_get_att_text(file, NC_GLOBAL, key, &text))
        let value = String(decoding: text.map(UInt8.init(bitPattern:)), as: UTF8.self)
        if key == "Conventions" { continue }
        // Texts of files have a line of the header for each of theirs.
        let lines =
          key.hasSuffix("_text") || key == NetCDFWriter.order.description
          ? value.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
          : [value]
        header += lines.map { (HeaderKey(key), $0) }
      }
      return header
    }

    /// The variables of numbers, and the status of each point.
    private func variables() throws(FileError) -> ([Variable], status: [Int8]) {
      var count: CInt = 0
      try check(nc_inq_nvars(file, &count))
      var variables: [Variable] = []
      var status: [Int8] = []
      var total = 0
      for n in 0..<count {
        let own = try name { nc_inq_varname(file, n, $0) }
        var (type, rank): (nc_type, CInt) = (0, 0)
        try check(nc_inq_vartype(file, n, &type))
        try check(nc_inq_varndims(file, n, &rank))
        var dimensions = [CInt](repeating: 0, count: Int(rank))
        try check(nc_inq_vardimid(file, n, &dimensions))
        var size = 1
        for dimension in dimensions {
          let (product, isTooLarge) = size.multipliedReportingOverflow(by: try length(dimension))
          size = isTooLarge ? .max : product
        }
        total = total.addingReportingOverflow(size).overflow ? .max : total + size
        guard total <= NetCDFReader.valueLimit else {
          throw FileError(
            .malformed, file: path, found: "more than \(NetCDFReader.valueLimit) values",
            expected: "a file of at most so many")
        }
        if type == NC_DOUBLE {
          var values = [Double](repeating: 0, count: size)
          try check(nc_get_var_double(file, n, &values))
          variables.append(Variable(name: own, dimensions: dimensions, values: values))
        } else if own == "status", type == NC_BYTE {
          status = [Int8](repeating: 0, count: size)
          try check(nc_get_var_schar(file, n, &status))
        }
      }
      return (variables, status)
    }
  }
#endif
