/** A file in a message. */
export interface Attachment {
  name: string;
  content_type: string;
  size: number;
  base64: string;
}

/** A message that a function sent through the simulated SES. */
export interface Mail {
  id: string;
  from: string;
  to: string[];
  subject: string;
  text: string | null;
  html: string | null;
  attachments: Attachment[];
  sent_at: string;
}

/** Saves an attachment as a file on the user's device. */
export function saveAttachment({ name, content_type: type, base64 }: Attachment): void {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  link.download = name || "attachment";
  link.click();
  URL.revokeObjectURL(link.href);
}
