// SPDX-License-Identifier: GPL-3.0-or-later
// Whoever imports KuboDiagrams has the layers below it.
@_exported import KuboDisorder
@_exported import KuboLattice
@_exported import KuboLoops
@_exported import KuboWork
@_exported import KuboZoneIntegrals
@_exported import KuboZoneSums
