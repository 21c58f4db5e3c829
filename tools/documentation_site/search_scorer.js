// Sphinx' weights. Results of equal weight are in the order of the navigation, where pages for users come first.
var Scorer = {
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: {},
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
  score: ([page, title, anchor, description, score]) => {
    const links = [...document.querySelectorAll(".sidebar-tree a")].map((link) => link.getAttribute("href"));
    const place = links.indexOf(`${page}.html`);
    return score - (place < 0 ? links.length : place) / 1000;
  },
};
