export const ATTACHMENT_LIMIT = 10;
/** The unit in which a user gives a size, the same in which sizes are shown. */
export const MEGABYTE = 1000 * 1000;
/** The API's limit, 25 MiB, in whole megabytes. */
export const SIZE_LIMIT = 25 * MEGABYTE;

/** The media types that the API accepts, by the ends of file names. */
const types: Record<string, string> = {
  bmp: "image/bmp",
  csv: "text/csv",
  doc: "application/msword",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  gif: "image/gif",
  heic: "image/heic",
  heif: "image/heif",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  json: "application/json",
  odp: "application/vnd.oasis.opendocument.presentation",
  ods: "application/vnd.oasis.opendocument.spreadsheet",
  odt: "application/vnd.oasis.opendocument.text",
  pdf: "application/pdf",
  png: "image/png",
  ppt: "application/vnd.ms-powerpoint",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  rtf: "application/rtf",
  tif: "image/tiff",
  tiff: "image/tiff",
  txt: "text/plain",
  webp: "image/webp",
  xls: "application/vnd.ms-excel",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  zip: "application/zip",
};

export const endings = Object.keys(types);

/** The media type of a file by its name; null if the API does not accept it. */
export function contentType(name: string): string | null {
  const ending = /\.([a-z0-9]+)$/i.exec(name.trim())?.[1]?.toLowerCase();
  return (ending && types[ending]) || null;
}

/** The address of a file if it is one: https, without credentials. */
export function parseAddress(text: string): URL | null {
  if (!URL.canParse(text.trim())) return null;
  const url = new URL(text.trim());
  return url.protocol === "https:" && !url.username && !url.password ? url : null;
}

/** The last part of an address, which is the name of most files. */
export function nameFrom(url: URL): string {
  const last = url.pathname.split("/").filter(Boolean).at(-1) ?? "";
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
