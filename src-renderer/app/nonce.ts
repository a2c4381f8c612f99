/** The host puts a fresh nonce into the page; only styles that carry it may be added at run time. */
export const styleNonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';

// The terminal makes its style elements itself and knows no nonce: give every style element made by our own code one.
const createElement: (name: string, options?: ElementCreationOptions) => HTMLElement =
  document.createElement.bind(document);
document.createElement = (name: string, options?: ElementCreationOptions) => {
  const element = createElement(name, options);
  if (element instanceof HTMLStyleElement && styleNonce) element.nonce = styleNonce;
  return element;
};
