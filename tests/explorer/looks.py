"""What a look at a page would find wrong, as far as a browser can tell: words too pale, cut off, or over each other."""

from __future__ import annotations

from playwright.sync_api import Page

# what scrolls; on the chat's page it goes by another name
MAIN = "document.querySelector('[data-testid=stMain], [data-testid=stAppScrollToBottomContainer]')"

# WCAG 2.2, 1.4.3 (AA): 4.5 to 1, large text 3 to 1
_TOO_PALE = """() => {
  const read = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = color => {  // any notation of CSS
    if (/^rgba?\\(/.test(color)) { const [r, g, b, a = 1] = read(color); return [r, g, b, a]; }
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((one, n) => one * top[3] + below[n] * (1 - top[3]));
  const luminance = color => {
    const [r, g, b] = color.map(one => (one /= 255) <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(rgba(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    if (element.closest('script, style, noscript, [disabled], .bartext, [data-testid=stIconMaterial]')) continue;
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    if (box.width < 2 || box.height < 2) continue;
    const svg = element.closest('svg');
    const color = rgba(svg ? style.fill : style.color);
    if (svg) color[3] *= Number(style.fillOpacity);
    for (let one = element; one; one = one.parentElement) color[3] *= Number(getComputedStyle(one).opacity);
    const below = ground(svg ? svg.parentElement : element), [a, b] = [luminance(over(color, below)), luminance(below)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5) - 0.01) found.add(`${contrast.toFixed(2)}: ${text.slice(0, 60)}`);
  }
  return [...found];
}"""

_CHART_TEXTS = """
  const shownTexts = plot => [...plot.querySelectorAll('text')].filter(text =>
      text.textContent.trim() && !text.closest('.hoverlayer, .modebar') && text.checkVisibility())
    .map(text => ({text: text.textContent.trim(), box: text.getBoundingClientRect()}))
    .filter(({box}) => box.width > 1);
  const plots = [...document.querySelectorAll('.js-plotly-plot')];
"""
_CUT_OFF = f"""() => {{{_CHART_TEXTS}
  return plots.flatMap(plot => {{
    const frame = plot.getBoundingClientRect();
    return shownTexts(plot).filter(({{box}}) => box.left < frame.left - 1 || box.right > frame.right + 1
      || box.top < frame.top - 1 || box.bottom > frame.bottom + 1).map(({{text}}) => text.slice(0, 60));
  }});
}}"""
_OVER_EACH_OTHER = f"""() => {{{_CHART_TEXTS}
  const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
  return plots.flatMap(plot => {{
    const texts = shownTexts(plot), found = [];
    texts.forEach((one, n) => texts.slice(n + 1).forEach(other => {{
      if (over(one.box, other.box)) found.push(`${{one.text.slice(0, 40)}} | ${{other.text.slice(0, 40)}}`);
    }}));
    return found;
  }});
}}"""
_WITHOUT_UNIT = """() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(plot => {
  const layout = plot._fullLayout, found = [];
  for (const name of Object.keys(layout).filter(one => /^[xy]axis\\d*$/.test(one))) {
    const axis = layout[name], numbers = axis.type === 'linear' || axis.type === 'log' || axis.type === 'date';
    if (axis.visible && numbers && axis.showticklabels && !(axis.title && axis.title.text)) found.push(name);
  }
  return found;
})"""


def too_pale(page: Page) -> list[str]:
    """Texts whose contrast is below AA, with their contrast. Words within bars are not looked at."""
    return list(page.evaluate(_TOO_PALE))


def cut_off(page: Page) -> list[str]:
    """Texts of charts that reach out of their chart."""
    return list(page.evaluate(_CUT_OFF))


def over_each_other(page: Page) -> list[str]:
    """Texts of a chart that lie over each other."""
    return list(page.evaluate(_OVER_EACH_OTHER))


def without_unit(page: Page) -> list[str]:
    """Axes with numbers that do not say of what."""
    return list(page.evaluate(_WITHOUT_UNIT))


def too_wide(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    return int(page.evaluate(f"{MAIN}.scrollWidth - {MAIN}.clientWidth"))


CHECKS = (too_pale, cut_off, over_each_other, without_unit)
