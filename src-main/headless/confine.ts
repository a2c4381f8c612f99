/**
 * Text that others wrote (servers, sites, jobs) may hold escape sequences that set titles, the clipboard or links, or
 * move the cursor over what was printed. Only line ends and tabs get through.
 */
const sequences = /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][\s\S]*?(?:\u0007|\u001b\\|$)|[ -/]*[0-~]?)/g;
// Line ends and tabs stay; C1 controls and bidirectional overrides go too.
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

export const confine = (text: string): string =>
  text.replace(/\r\n/g, '\n').replace(sequences, '').replace(controls, '');
