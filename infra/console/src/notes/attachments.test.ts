import { expect, it } from "vitest";
import { contentType, nameFrom, parseAddress } from "./attachments";

it("the media type follows the end of the file's name", () => {
  expect(["Offer.PDF", "a.b.docx", "photo.jpeg"].map(contentType)).toEqual([
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "image/jpeg",
  ]);
  expect(["page.html", "drawing.svg", "pdf", "a.pdf.exe"].map(contentType)).toEqual([null, null, null, null]);
});

it("an attachment has an https address without credentials", () => {
  expect(parseAddress(" https://files.example.com/a.pdf ")?.href).toBe("https://files.example.com/a.pdf");
  expect(["http://files.example.com/a.pdf", "https://me:secret@files.example.com/", "javascript:x()", "a.pdf", ""].map(parseAddress)).toEqual([null, null, null, null, null]);
});

it("the name is proposed from the address", () => {
  expect(nameFrom(new URL("https://files.example.com/x/Q4%20offer.pdf?v=1"))).toBe("Q4 offer.pdf");
  expect(nameFrom(new URL("https://files.example.com/100%.pdf"))).toBe("100%.pdf");
});
