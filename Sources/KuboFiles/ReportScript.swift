// SPDX-License-Identifier: GPL-3.0-or-later
import CMessageDigest
import Foundation

extension Report {
  /// The one script of the page: values under the pointer, and curves that can be switched off. Without it the page shows the
  /// same pictures and numbers.
  static let script = """
    for (const plot of document.querySelectorAll('.plot')) {
      const panels = JSON.parse(plot.dataset.chart).panels, svg = plot.querySelector('svg'), hidden = new Set();
      const add = (name, parent, text = '') => {
        const element = document.createElement(name);
        element.textContent = text;
        parent.append(element);
        return element;
      };
      const list = document.createElement('ul');
      list.className = 'curves';
      plot.after(list);
      for (const name of new Set(panels.flatMap(panel => panel.curves.map(curve => curve.name)))) {
        const label = add('label', add('li', list)), box = add('input', label);
        label.append(' ' + name);
        box.type = 'checkbox';
        box.checked = true;
        box.addEventListener('change', () => {
          box.checked ? hidden.delete(name) : hidden.add(name);
          for (const title of svg.querySelectorAll('g > title')) {
            if (title.textContent === name) title.parentElement.style.display = box.checked ? '' : 'none';
          }
        });
      }
      const line = add('div', plot), values = add('div', plot);
      line.className = 'line';
      values.className = 'values';
      line.hidden = values.hidden = true;
      const leave = () => { line.hidden = values.hidden = true; };
      plot.addEventListener('pointerleave', leave);
      plot.addEventListener('pointermove', event => {
        const frame = svg.getBoundingClientRect();
        const x = (event.clientX - frame.left) / frame.width, y = (event.clientY - frame.top) / frame.height;
        const panel = panels.find(({ box }) => box[0] <= x && x <= box[2] && box[1] <= y && y <= box[3]);
        const shown = (panel ? panel.curves : []).filter(curve => !hidden.has(curve.name) && curve.points.length);
        if (!shown.length) return leave();
        const [left, top, right, bottom] = panel.box, [low, high] = panel.range;
        const at = low + (x - left) / (right - left) * (high - low);
        const nearest = points => points.reduce((a, b) => Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a);
        const place = nearest(shown.flatMap(curve => curve.points))[0];
        values.replaceChildren();
        add('div', values, plot.dataset.axis + ' = ' + place);
        for (const curve of shown) {
          const [own, value, error] = nearest(curve.points);
          if (own === place) add('div', values, curve.name + ': ' + value + (error ? ' ± ' + error.toPrecision(2) : ''));
        }
        const part = left + (place - low) / (high - low) * (right - left);
        line.style.cssText = `left:${100 * part}%;top:${100 * top}%;height:${100 * (bottom - top)}%`;
        values.style.cssText = part > 0.55 ? `right:${100 * (1 - part)}%;top:0` : `left:${100 * part}%;top:0`;
        line.hidden = values.hidden = false;
      });
    }
    """

  /// What lets a browser run this script and no other.
  static var scriptSource: String {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    let bytes = Array("\n\(script)\n".utf8)
    var context = SHA2_CTX()
    SHA256Init(&context)
    SHA256Update(&context, bytes, bytes.count)
    SHA256Final(&digest, &context)
    return "'sha256-\(Data(digest).base64EncodedString())'"
  }
}
