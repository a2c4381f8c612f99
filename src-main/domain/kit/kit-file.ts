/** One file of a kit as data: what the renderers give and the provisioning service writes. */
export interface KitFile {
  /**
   * Where it goes, with `/` between the parts: relative to the participant's kit folder (`startup/start.sh`), or to
   * the prod folder for outputs of a whole project (`compose.yaml`).
   */
  path: string;
  /** Permission bits, for example 0o644. */
  mode: number;
  /** The text, UTF-8, LF line ends. Empty when `source` is set. */
  content: string;
  /** Absolute path of a file to copy byte for byte instead of writing `content`. */
  source?: string;
}
