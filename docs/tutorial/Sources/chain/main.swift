// SPDX-License-Identifier: GPL-3.0-or-later
let model = try chain()
let spectrum = try await spins(of: model, home: CommandLine.arguments[1])
for line in continuity(spectrum, exchange: model.exchange) { print(line) }
