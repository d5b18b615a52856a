import DOMPurify from "dompurify";
import allowlist from "../../../../docs/note-allowlist.json";

/** What a value of a CSS property may be; each key is a rule of its own. */
interface StyleRule {
  keywords?: string[];
  color?: boolean;
  /** The styles of a border; with it, `max_width` is the largest width in px. */
  styles?: string[];
  max_width?: number;
  /** The smallest and largest length in px. */
  min?: number;
  max?: number;
  max_percent?: number;
  min_factor?: number;
  max_factor?: number;
  font_names?: boolean;
  max_length?: number;
}

type Patterns = Partial<Record<string, { pattern: string }>>;

const attributes: Partial<Record<string, Patterns>> = allowlist.attributes;
const everywhere: Patterns = allowlist.everywhere;
const styles: Partial<Record<string, StyleRule>> = allowlist.styles;
const classNames = new Set(allowlist.classes.exact);
const classPatterns = allowlist.classes.patterns.map((pattern) => new RegExp(pattern));

const COLOR = /^(?:[a-z]+|#[0-9a-f]{3,8}|(?:rgb|hsl)a?\([0-9a-z.,%/ ]+\))$/i;
const LENGTH = /^(\d*\.?\d+)(px|pt|em|rem|cm|in)?$/;
const PX: Record<string, number> = { px: 1, pt: 4 / 3, em: 16, rem: 16, cm: 37.8, in: 96 };

/** The parts of a value between spaces; a function such as `rgb(0, 0, 0)` is one part. */
const parts = (value: string) => value.match(/(?:[^\s(]|\([^)]*\))+/g) ?? [];

function isLength(value: string, min: number, max: number): boolean {
  const [, digits, unit] = LENGTH.exec(value) ?? [];
  if (digits === undefined) return false;
  const number = Number(digits);
  // A number without a unit is a weight, or zero.
  const size = unit === undefined ? number : number * (PX[unit] ?? 1);
  return size >= min && size <= max && (unit !== undefined || number === 0 || min >= 100);
}

function allowsValue(rule: StyleRule, value: string): boolean {
  const isColor = rule.color === true && COLOR.test(value);
  if (rule.styles && rule.max_width !== undefined) {
    const { styles: borders, max_width: widest } = rule;
    return parts(value).every((part) => borders.includes(part) || isLength(part, 0, widest) || COLOR.test(part));
  }
  if (isColor) return true;
  if (rule.font_names) return value.length <= (rule.max_length ?? 0) && !/[;(){}<>\\@]/.test(value);
  if (rule.keywords && parts(value).every((part) => rule.keywords?.includes(part))) return true;
  if (rule.max_percent !== undefined && value.endsWith("%")) return Number.parseFloat(value) >= 0 && Number.parseFloat(value) <= rule.max_percent;
  if (rule.max_factor !== undefined) {
    const factor = value.endsWith("%") ? Number.parseFloat(value) / 100 : Number(value);
    return factor >= (rule.min_factor ?? 0) && factor <= rule.max_factor;
  }
  return rule.max !== undefined && isLength(value, rule.min ?? 0, rule.max);
}

/** The declarations that a note may have; unchanged if all of them are allowed. */
function allowedStyle(text: string): string {
  const declarations = text.match(/(?:[^;"']|"[^"]*"|'[^']*')+/g) ?? [];
  const allowed = declarations.filter((declaration) => {
    const [, property = "", value = ""] = /^\s*([a-z-]+)\s*:\s*(.*?)\s*$/s.exec(declaration) ?? [];
    const rule = styles[property];
    return rule !== undefined && allowsValue(rule, value);
  });
  return allowed.length === declarations.length ? text : allowed.map((declaration) => declaration.trim()).join("; ");
}

function allowedClasses(text: string): string {
  const names = text.split(/\s+/).filter(Boolean);
  const allowed = names.filter((name) => classNames.has(name) || classPatterns.some((pattern) => pattern.test(name)));
  return allowed.length === names.length ? text : allowed.join(" ");
}

const purify = DOMPurify();

purify.addHook("uponSanitizeAttribute", (element, attribute) => {
  const { attrName: name, attrValue: value } = attribute;
  if (name === "href") return;
  if (name === "style") attribute.attrValue = allowedStyle(value);
  else if (name === "class") attribute.attrValue = allowedClasses(value);
  else {
    const rule = attributes[element.localName]?.[name] ?? everywhere[name];
    attribute.keepAttr = rule !== undefined && new RegExp(rule.pattern).test(value);
    return;
  }
  attribute.keepAttr = attribute.attrValue !== "" || value === "";
});

purify.addHook("afterSanitizeAttributes", (element) => {
  if (element.localName === "input" && element.getAttribute("type") !== "checkbox") element.remove();
});

const { ALLOWED_TAGS, ALLOWED_ATTR, ALLOW_ARIA_ATTR, ALLOW_DATA_ATTR, ALLOWED_URI_REGEXP } = allowlist;

/**
 * The HTML of a note as it may be shown. The server has sanitized the note already; this is the same
 * allowlist a second time, applied by the browser's own parser.
 */
export function sanitizeNote(html: string): string {
  return purify.sanitize(html, {
    ALLOWED_TAGS,
    ALLOWED_ATTR,
    ALLOW_ARIA_ATTR,
    ALLOW_DATA_ATTR,
    ALLOWED_URI_REGEXP: new RegExp(ALLOWED_URI_REGEXP, "i"),
    // Only the value of `href` is an address.
    ADD_URI_SAFE_ATTR: ALLOWED_ATTR.filter((name) => name !== "href"),
  });
}
