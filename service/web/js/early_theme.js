// Applies the chosen theme before the first paint. A classic script, because modules run later.
(() => {
  try {
    const theme = localStorage.getItem("zooscope.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is blocked: the system's theme applies.
  }
})();
