// Measures every page that this document frames, with all that it folds opened, and
// leaves what it finds in #result, as JSON that cmd/pictures judges.
addEventListener('load', () => {
  const result = {};
  for (const frame of document.querySelectorAll('iframe')) {
    const page = frame.contentDocument, folded = page.documentElement.scrollHeight;
    for (const fold of page.querySelectorAll('details')) fold.open = true;
    result[frame.name] = { folded, open: page.documentElement.scrollHeight, wide: page.documentElement.scrollWidth,
      dark: frame.contentWindow.matchMedia('(prefers-color-scheme: dark)').matches, texts: texts(page), boxes: boxes(page) };
  }
  document.getElementById('result').textContent = JSON.stringify(result);
});

// texts are the texts that a person sees: their colors, those behind them from the
// nearest on, and how far they reach. A text in a pre may reach as far as it likes.
function texts(page) {
  const found = [], walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const range = page.createRange();
    range.selectNodeContents(node);
    const rects = [...range.getClientRects()].filter(r => r.width > 0 && r.height > 0);
    if (!node.data.trim() || !rects.length) continue;
    const style = page.defaultView.getComputedStyle(node.parentElement), behind = [];
    let opacity = 1;
    for (let e = node.parentElement; e; e = e.parentElement) {
      const s = page.defaultView.getComputedStyle(e);
      behind.push(s.backgroundColor);
      opacity *= Number(s.opacity);
    }
    found.push({ text: node.data.trim().slice(0, 60), color: style.color, behind, opacity,
      left: Math.min(...rects.map(r => r.left)), right: Math.max(...rects.map(r => r.right)), scrolls: !!node.parentElement.closest('pre') });
  }
  return found;
}

// boxes are the elements whose content is larger than they are, so that it is cut or
// has to be scrolled, and the blocks of code, which may scroll but must fit the page.
function boxes(page) {
  const found = [];
  for (const e of page.body.querySelectorAll('*')) {
    const s = page.defaultView.getComputedStyle(e), r = e.getBoundingClientRect(), pre = e.tagName === 'PRE';
    const cut = s.overflowX !== 'visible' && e.scrollWidth > e.clientWidth || s.overflowY !== 'visible' && e.scrollHeight > e.clientHeight;
    if (pre || cut) found.push({ name: e.tagName.toLowerCase(), text: e.textContent.trim().slice(0, 60), cut: cut && !pre, left: r.left, right: r.right });
  }
  return found;
}
