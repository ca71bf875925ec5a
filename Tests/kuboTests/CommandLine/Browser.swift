// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import Testing

/// A browser without a window, which lays pages out and says what it finds.
enum Browser {
  /// What a page looks like at one width.
  struct Layout: Decodable {
    let width: Double
    let height: Int
    /// What runs out of the window, overlaps, or is a picture that does not show.
    let problems: [String]
    /// The headings of the second level.
    let sections: [String]
    let images: Int
    /// Pictures whose values the page shows; of the first one what stands under the pointer in its middle, and how many curves
    /// can be switched off in all.
    let plots: Int
    let values: String
    let switches: Int
    /// Names and contents of the files that the page holds.
    let files: [String: String]
    /// The kinds of elements, and the attributes that hold scripts.
    let elements, handlers: [String]
    /// What was loaded besides the page.
    let requests: [String]
    /// All text.
    let text: String
    /// The text of the last example.
    let example: String
  }

  static let widths = [1280, 400]

  static let program: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    for name in ["chromium-headless-shell", "chromium"] {
      for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)")
      {
        return "\(folder)/\(name)"
      }
    }
    return nil
  }()

  /// Lays a page out at both widths, in frames of a page that measures them: the page itself is as the
  /// program wrote it, and its own policy allows its own script alone.
  /// - Returns: the layouts, and what the browser told of errors.
  static func layouts(of page: String) throws -> (layouts: [Layout], console: [String]) {
    let scratch = try ScratchDirectory()
    _ = try scratch.file("page.html", page)
    let frames = widths.map {
      "<iframe src=\"page.html\" style=\"width:\($0)px;height:20000px;border:0\"></iframe>"
    }
    let host = try scratch.file(
      "host.html",
      """
      <!DOCTYPE html><meta charset="utf-8"><title>host</title>
      \(frames.joined())
      <script>\(measure)</script>
      """)
    let (output, errors) = try run(["--dump-dom", "file://\(host)"], scratch)
    let parts = output.split(separator: "RESULT:")
    guard parts.count == 2,
      let data = Data(base64Encoded: String(parts[1].prefix { $0 != ":" }))
    else { throw Trouble(description: "no result: \(output.suffix(300)) \(errors.suffix(2000))") }
    let console = errors.split(separator: "\n").filter { $0.contains("CONSOLE") }.map(String.init)
    return (try JSONDecoder().decode([Layout].self, from: data), console)
  }

  /// Writes a picture of a page.
  static func photograph(_ page: String, width: Int, height: Int, to path: String) throws {
    let scratch = try ScratchDirectory()
    let file = try scratch.file("page.html", page)
    _ = try run(
      [
        "--window-size=\(width),\(height)", "--hide-scrollbars", "--screenshot=\(path)",
        "file://\(file)",
      ],
      scratch)
  }

  struct Trouble: Error, CustomStringConvertible { let description: String }

  private static func run(_ arguments: [String], _ scratch: ScratchDirectory) throws -> (
    output: String, errors: String
  ) {
    let process = Process()
    process.executableURL = URL(filePath: try #require(program, "no chromium; scripts/setup-tests"))
    process.arguments =
      [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--user-data-dir=\(scratch.path)/profile", "--allow-file-access-from-files",
        "--enable-logging=stderr", "--virtual-time-budget=20000",
      ] + arguments
    let (out, err) = (try scratch.file("out", ""), try scratch.file("err", ""))
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: out))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: err))
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return (
      try String(contentsOfFile: out, encoding: .utf8),
      try String(contentsOfFile: err, encoding: .utf8)
    )
  }

  /// Measures the page in each frame, once all of them are there.
  private static let measure = """
    function scrolls(e) { return /auto|scroll/.test(e.ownerDocument.defaultView.getComputedStyle(e).overflowX); }
    function name(e) { return e.tagName.toLowerCase() + ' "' + (e.textContent || e.alt || '').trim().slice(0, 40) + '"'; }
    function layout(frame) {
      const page = frame.contentDocument, width = frame.clientWidth, problems = [];
      const all = [...page.body.querySelectorAll('*')];
      // What lies in a box that scrolls may be wider than the window; the box itself may not.
      const inBox = e => { for (let p = e.parentElement; p && p !== page.body; p = p.parentElement) if (scrolls(p)) return true; return false; };
      if (page.documentElement.scrollWidth > width) problems.push('the page is ' + page.documentElement.scrollWidth + ' wide');
      for (const e of all) {
        const r = e.getBoundingClientRect();
        if (inBox(e)) continue;
        if (r.right > width + 0.5 || r.left < -0.5) problems.push(name(e) + ' from ' + r.left + ' to ' + r.right);
      }
      // Text may run out of its element.
      const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const node = walker.currentNode;
        if (!node.data.trim() || inBox(node.parentElement) || scrolls(node.parentElement)) continue;
        const range = page.createRange();
        range.selectNodeContents(node);
        for (const r of range.getClientRects()) {
          if (r.right > width + 0.5 || r.left < -0.5) problems.push('text ' + name(node.parentElement));
        }
      }
      // Blocks side by side or above each other share no area.
      const blocks = all.filter(e => !inBox(e) && e.matches('h1, h2, p, li, nav, img, figcaption, figure, pre, .wide'))
        .map(e => [e, e.getBoundingClientRect()]).filter(b => b[1].width * b[1].height > 0);
      for (let i = 0; i < blocks.length; i++) for (let j = i + 1; j < blocks.length; j++) {
        const [a, r] = blocks[i], [b, s] = blocks[j];
        if (a.contains(b) || b.contains(a)) continue;
        const w = Math.min(r.right, s.right) - Math.max(r.left, s.left);
        const h = Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top);
        if (w > 1 && h > 1) problems.push(name(a) + ' over ' + name(b));
      }
      // Cells of tables too, within their boxes.
      for (const table of page.querySelectorAll('table')) {
        const cells = [...table.querySelectorAll('th, td')].map(e => [e, e.getBoundingClientRect()]);
        for (let i = 0; i < cells.length; i++) for (let j = i + 1; j < cells.length; j++) {
          const r = cells[i][1], s = cells[j][1];
          const w = Math.min(r.right, s.right) - Math.max(r.left, s.left);
          const h = Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top);
          if (w > 1 && h > 1) problems.push(name(cells[i][0]) + ' over ' + name(cells[j][0]));
        }
        const box = table.parentElement.getBoundingClientRect();
        if (table.getBoundingClientRect().width > box.width + 1 && !scrolls(table.parentElement)) problems.push('a table runs out of its box');
      }
      const images = [...page.images];
      for (const e of images) {
        const r = e.getBoundingClientRect();
        if (!e.complete || e.naturalWidth === 0 || r.width < 50 || r.height < 50) problems.push('no picture: ' + name(e));
        const ratio = (r.width / r.height) / (e.naturalWidth / e.naturalHeight);
        if (Math.abs(ratio - 1) > 0.1) problems.push('a picture out of shape: ' + name(e));
      }
      // A pointer in the middle of the first picture, and its first curve switched off.
      const plot = page.querySelector('.plot'), event = frame.contentWindow.PointerEvent;
      let values = '', switches = 0;
      if (plot && plot.querySelector('.values')) {
        const r = plot.getBoundingClientRect();
        for (const own of page.querySelectorAll('.plot')) {
          const parts = () => [...own.querySelectorAll('svg g')].filter(g => g.style.display === 'none').length;
          for (const box of own.nextElementSibling.querySelectorAll('input')) {
            box.click();
            if (parts() === 0) problems.push('a curve that stays: ' + box.parentElement.textContent);
            else switches += 1;
            box.click();
            if (parts() !== 0) problems.push('a curve that stays hidden');
          }
        }
        plot.dispatchEvent(new event('pointermove', { clientX: r.left + 0.6 * r.width, clientY: r.top + 0.6 * r.height }));
        values = [...plot.querySelectorAll('.values div')].map(e => e.textContent).join('\\n');
        plot.dispatchEvent(new event('pointerleave'));
        if (!plot.querySelector('.values').hidden) problems.push('values without a pointer');
      }
      const files = Object.fromEntries([...page.querySelectorAll('a[download]')].map(a => [a.download, a.href]));
      return {
        plots: page.querySelectorAll('.plot svg').length, values, switches, files,
        width, height: Math.ceil(page.body.getBoundingClientRect().bottom), problems, images: images.length,
        sections: [...page.querySelectorAll('h2')].map(e => e.textContent.trim()),
        elements: [...new Set([page.documentElement, ...page.querySelectorAll('*')].map(e => e.tagName.toLowerCase()))].sort(),
        handlers: [...page.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).filter(a => a.startsWith('on')),
        requests: frame.contentWindow.performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith('data:')),
        text: page.body.textContent,
        example: [...page.querySelectorAll('pre')].map(e => e.textContent).pop() || '' };
    }
    addEventListener('load', () => {
      const result = JSON.stringify([...document.querySelectorAll('iframe')].map(layout));
      const bytes = new TextEncoder().encode(result);
      let text = '';
      for (const b of bytes) text += String.fromCharCode(b);
      document.body.textContent = 'RESULT:' + btoa(text) + ':';
    });
    """
}
