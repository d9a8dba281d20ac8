// Words of the page whose colour is too near to that of their ground (WCAG 2.2, 1.4.3): ratio and words of each.
(page) => {
  const brush = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });

  function rgba(colour) {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = brush.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  }

  function over(front, back) {
    const alpha = front[3] + back[3] * (1 - front[3]);
    const mix = [0, 1, 2].map((i) => (front[i] * front[3] + back[i] * back[3] * (1 - front[3])) / (alpha || 1));
    return [...mix, alpha];
  }

  function luminance(colour) {
    const linear = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(colour[0] / 255) + 0.7152 * linear(colour[1] / 255) + 0.0722 * linear(colour[2] / 255);
  }

  const outside = (element) => element.parentElement ?? element.getRootNode().host ?? null;

  function ratio(element) {
    const { color, fill } = getComputedStyle(element);
    let [ink, ground, opacity] = [rgba(element instanceof SVGElement ? fill : color), [0, 0, 0, 0], 1];
    for (let one = element; one; one = outside(one)) {
      const style = getComputedStyle(one);
      ground = over(ground, rgba(style.backgroundColor));
      opacity *= parseFloat(style.opacity);
    }
    ground = over(ground, rgba(page));
    ink[3] *= opacity;
    const [light, dark] = [luminance(over(ink, ground)), luminance(ground)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  }

  function isRead(element) {
    const { width, height } = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    // Sliders show their values beside themselves, where this does not look; icons are a font of their own.
    return width && height && style.visibility === "visible" && !style.fontFamily.includes("Material")
      && !element.closest('style, script, [disabled], [aria-disabled="true"], [data-testid="stSlider"]');
  }

  const faint = [];
  function walk(root) {
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const words = texts.currentNode.textContent.trim(), element = texts.currentNode.parentElement;
      if (!words || !element || !isRead(element)) continue;
      const size = parseFloat(getComputedStyle(element).fontSize), found = ratio(element);
      if (found < (size >= 24 ? 3 : 4.5)) faint.push(`${found.toFixed(2)}: ${words.slice(0, 60)}`);
    }
    for (const element of root.querySelectorAll("*")) if (element.shadowRoot) walk(element.shadowRoot);
  }
  walk(document.body);
  return faint;
}
