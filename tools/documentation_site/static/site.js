// A page that is opened from the disk must not read other files: results are then listed without an excerpt.
DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = location.protocol !== "file:";

addEventListener("DOMContentLoaded", () => {
  // The switch of the search page searches for the same words in the other language.
  document.querySelector(".language-switch a").search = location.search;

  // The keyboard reaches what scrolls, and a screen reader gets the level of the headings of the navigation.
  for (const region of document.querySelectorAll("article pre, article .table-wrapper")) region.tabIndex = 0;
  for (const caption of document.querySelectorAll(".sidebar-tree [role=heading]")) caption.ariaLevel = 2;

  // Sphinx marks the words of a search a little later. A result opens at the first of them, not at the top of the page.
  if (location.hash || document.getElementById("search-results")) return;
  new MutationObserver((changes, observer) => {
    const first = document.querySelector("article .highlighted");
    if (!first) return;
    observer.disconnect();
    first.scrollIntoView({ block: "center", behavior: "instant" });
  }).observe(document.querySelector("article"), { childList: true, subtree: true });
});

// The words are marked as they were typed, not as they were split.
addEventListener("click", ({ target }) => {
  if (target.closest?.("ul.search a"))
    localStorage.setItem("sphinx_highlight_terms", new URLSearchParams(location.search).get("q").toLowerCase());
});
