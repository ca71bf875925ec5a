// SPDX-License-Identifier: GPL-3.0-or-later
#if NetCDF
  import CNetCDF
  import Foundation
  import KuboFiles

  /// Writes a table on a grid after the CF conventions: dimensions by the names of the axes, error bounds as ancillary variables,
  /// the header as attributes. Real and imaginary parts are variables of their own, which every reader takes.
  final class NetCDFWriter {
    private let table: GridTable
    /// The path for messages.
    private let name: String
    private var file: CInt = 0
    private var isOpen = false
    /// How long the dimensions of the axes are, and their numbers.
    private let shape: [Int]
    /// Which of the columns behind the axes is that of each point's table, and its values.
    private let axis: Int
    private let inner: [Double?]
    /// The columns that are written for each point, by their place behind the axes.
    private var columns: [(place: Int, variable: CInt)] = []
    private var status: CInt = 0
    private var reason: CInt = 0

    /// Begins a file.
    init(_ table: GridTable, name: String) throws {
      (self.table, self.name) = (table, name)
      shape =
        table.isZipped
        ? [table.axes.first?.values.count ?? 0] : table.axes.map(\.values.count)
      let own = CSVFile(columns: Array(table.head.columns.dropFirst(table.axes.count)))
      axis = own.axisIndex
      inner = table.first.map { [axis] in $0[axis] }
      // In memory: on a full disk HDF5 crashes when the program ends.
      try check(nc_create_mem(name, NC_NETCDF4, 1 << 16, &file))
      isOpen = true
      try define(own.columns)
    }

    deinit { if isOpen { nc_close(file) } }

    private func check(_ code: CInt, of what: String? = nil) throws {
      guard code != NC_NOERR else { return }
      let reason = String(cString: nc_strerror(code))
      if [NC_EBADNAME, NC_ENAMEINUSE, NC_EMAXNAME].contains(code), let what {
        throw FileError(
          .setting, file: name, found: "the name \(what): \(reason)",
          expected: "a name that netCDF takes, or another ending than .nc")
      }
      throw OutputError.writeFailed(path: name, reason: reason)
    }

    // MARK: Definitions

    private func define(_ names: [String]) throws {
      var outer: [CInt] = []
      if table.isZipped {
        outer = [try dimension("point", shape[0])]
      } else {
        for axis in table.axes { outer.append(try dimension(axis.name, axis.values.count)) }
      }
      // Curves that return, as paths through a zone, are numbered.
      let isUnique = Set(inner).count == inner.count && !inner.contains(nil)
      let last = try dimension(isUnique ? names[axis] : "row", inner.count)
      var coordinates: [(variable: CInt, values: [Double])] = []
      for (n, axis) in table.axes.enumerated() {
        coordinates.append(
          (try variable(axis.name, [outer[table.isZipped ? 0 : n]]), axis.values))
      }
      for (place, column) in names.enumerated() {
        let isCopy = place == axis || NetCDFWriter.copies.contains(column)
        let own = try variable(column, isCopy ? [last] : outer + [last])
        if isCopy, table.first.allSatisfy({ $0[place] != nil }) {
          coordinates.append((own, table.first.map { $0[place]! }))
        } else {
          try fill(own, with: names, of: Column(parsing: column))
          columns.append((place, own))
        }
      }
      if !table.axes.isEmpty { try defineStatus(outer) }
      try defineHeader()
      try check(nc_enddef(file))
      for (variable, values) in coordinates { try check(nc_put_var_double(file, variable, values)) }
    }

    /// The axis of each point in other units.
    private static let copies: Set<String> = ["l", "omega_THz", "omega_l_THz"]

    private func dimension(_ name: String, _ count: Int) throws -> CInt {
      var dimension: CInt = 0
      try check(nc_def_dim(file, name, count, &dimension), of: name)
      return dimension
    }

    /// A variable of numbers, with its unit and what it is.
    private func variable(_ name: String, _ dimensions: [CInt]) throws -> CInt {
      var variable: CInt = 0
      try check(
        nc_def_var(file, name, NC_DOUBLE, CInt(dimensions.count), dimensions, &variable), of: name)
      let column = Column(parsing: name)
      if let unit = table.head.statedUnit(column) { try attribute(variable, "units", unit) }
      if let meaning = table.head.meaning(column) { try attribute(variable, "long_name", meaning) }
      return variable
    }

    /// What stands where there is no value, and which variable bounds the error.
    private func fill(_ variable: CInt, with names: [String], of column: Column) throws {
      var missing = NC_FILL_DOUBLE
      try check(nc_def_var_fill(file, variable, NC_FILL, &missing))
      if let bound = column.bound(in: names) {
        try attribute(variable, "ancillary_variables", names[bound])
      }
      let others =
        (table.isZipped ? table.axes.map(\.name) : [])
        + names.filter { NetCDFWriter.copies.contains($0) && $0 != names[axis] }
      if !others.isEmpty {
        try attribute(variable, "coordinates", others.joined(separator: " "))
      }
    }

    private func defineStatus(_ outer: [CInt]) throws {
      let cases = GridTable.Status.allCases
      try check(nc_def_var(file, "status", NC_BYTE, CInt(outer.count), outer, &status))
      var missing = GridTable.Status.notComputed.rawValue
      // A flag that is always there, not a missing value.
      try check(nc_def_var_fill(file, status, NC_NOFILL, &missing))
      try check(
        nc_put_att_schar(file, status, "flag_values", NC_BYTE, cases.count, cases.map(\.rawValue)))
      try attribute(status, "flag_meanings", cases.map(\.meaning).joined(separator: " "))
      try attribute(status, "long_name", "how much of the point there is")
      try check(nc_def_var(file, "failure", NC_STRING, CInt(outer.count), outer, &reason))
      try attribute(reason, "long_name", "why values are missing")
    }

    /// The attribute with the names of the columns in their order, which the library does not keep.
    static let order: HeaderKey = "columns"

    /// The header: lines of the same key as one text.
    private func defineHeader() throws {
      let header = table.head.header
      var keys: [String] = []
      for key in header.map(\.key.description) where !keys.contains(key) { keys.append(key) }
      try attribute(NC_GLOBAL, "Conventions", "CF-1.8")
      let columns = table.head.columns.joined(separator: "\n")
      try attribute(NC_GLOBAL, NetCDFWriter.order.description, columns)
      for key in keys {
        let lines = header.filter { $0.key.description == key }.map(\.value)
        try attribute(NC_GLOBAL, key.replacing("/", with: "_"), lines.joined(separator: "\n"))
      }
    }

    private func attribute(_ variable: CInt, _ key: String, _ text: String) throws {
      try check(nc_put_att_text(file, variable, key, text.utf8.count, text), of: key)
    }

    // MARK: Values

    /// Writes all points, and the whole to a file.
    func write(to output: OutputFile, _ next: () throws -> GridTable.Point?) throws {
      try write(next)
      isOpen = false
      var image = NC_memio()
      try check(nc_close_memio(file, &image))
      defer { free(image.memory) }
      let bytes = UnsafeRawBufferPointer(start: image.memory, count: image.size)
      var done = 0
      try output.write { () throws(OutputError) in
        guard done < bytes.count else { return nil }
        let piece = Array(bytes[done..<min(bytes.count, done + 1 << 22)])
        done += piece.count
        return piece[...]
      }
    }

    private func write(_ next: () throws -> GridTable.Point?) throws {
      let count = shape.reduce(1, *)
      if !shape.isEmpty {
        let states = [Int8](repeating: GridTable.Status.notComputed.rawValue, count: count)
        try check(nc_put_var_schar(file, status, states))
      }
      var block: [GridTable.Point] = []
      while let point = try next() {
        if let last = block.last,
          point.number != last.number + 1 || point.number % (shape.last ?? 1) == 0
            || (block.count + 1) * inner.count > 1 << 16
        {
          try write(block)
          block = []
        }
        block.append(point)
      }
      if !block.isEmpty { try write(block) }
    }

    /// Where the table has a point.
    private func place(_ number: Int) -> [Int] {
      var rest = number
      var place: [Int] = []
      for length in shape.reversed() {
        place.append(rest % length)
        rest /= length
      }
      return place.reversed()
    }

    /// Writes points that follow each other along the last axis.
    private func write(_ points: [GridTable.Point]) throws {
      let start = place(points[0].number)
      let count = shape.isEmpty ? [] : [Int](repeating: 1, count: shape.count - 1) + [points.count]
      for point in points where !point.rows.isEmpty {
        guard point.rows.map({ [axis] in $0[axis] }) == inner else {
          let column = table.head.columns[table.axes.count + axis]
          throw FileError(
            .setting, file: name, found: "other values of \(column) at some points",
            expected: "the same at all points, as by --\(column), or another ending than .nc")
        }
      }
      for (place, variable) in columns {
        let values = points.flatMap { point in
          point.rows.isEmpty
            ? [Double](repeating: NC_FILL_DOUBLE, count: inner.count)
            : point.rows.map { $0[place] ?? NC_FILL_DOUBLE }
        }
        try check(
          nc_put_vara_double(file, variable, start + [0], count + [inner.count], values))
      }
      guard !shape.isEmpty else { return }
      try check(nc_put_vara_schar(file, status, start, count, points.map(\.status.rawValue)))
      for point in points {
        guard let text = point.reason else { continue }
        try text.withCString { text in
          var text: UnsafePointer<CChar>? = text
          try check(nc_put_var1_string(file, reason, self.place(point.number), &text))
        }
      }
    }
  }
#endif
