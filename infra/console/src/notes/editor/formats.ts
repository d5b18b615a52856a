/** Text colors with a contrast of at least 4.5 to 1 on white. */
export const textColors = [
  { value: "#b42318", key: "red" },
  { value: "#b54708", key: "orange" },
  { value: "#7a5b00", key: "yellow" },
  { value: "#17653a", key: "green" },
  { value: "#0b5f58", key: "teal" },
  { value: "#175cd3", key: "blue" },
  { value: "#5925dc", key: "purple" },
  { value: "#c11574", key: "pink" },
  { value: "#6f4518", key: "brown" },
  { value: "#566275", key: "gray" },
];

export const highlights = [
  { value: "#fff3a3", key: "yellow" },
  { value: "#ffd8a8", key: "orange" },
  { value: "#ffcfcc", key: "red" },
  { value: "#fbcfe8", key: "pink" },
  { value: "#e0d4fd", key: "purple" },
  { value: "#c7e0ff", key: "blue" },
  { value: "#bfeee7", key: "teal" },
  { value: "#c8f0d2", key: "green" },
  { value: "#e9dccb", key: "brown" },
  { value: "#e1e5eb", key: "gray" },
];

export const sizes = [
  { value: "12px", key: "small" },
  { value: null, key: "normal" },
  { value: "18px", key: "large" },
  { value: "24px", key: "huge" },
];

export const fonts = [
  { value: null, name: "default" },
  { value: "Inter", name: "Inter" },
  { value: "Georgia, serif", name: "Georgia" },
  { value: "Courier New, monospace", name: "Courier New" },
];

/** The languages that a code block can be marked with. */
export const languages = ["bash", "c", "c++", "c#", "css", "go", "html", "java", "js", "json", "kotlin", "php", "python", "ruby", "rust", "sql", "swift", "ts", "xml", "yaml"];
