import app from "@/app/texts/id.json";
import contacts from "@/contacts/texts/id.json";
import exports from "@/exports/texts/id.json";
import imports from "@/import/texts/id.json";
import notes from "@/notes/texts/id.json";
import people from "@/people/texts/id.json";

/** All texts of the language; each folder has its own under a key of its own. */
export default { ...app, contacts, exports, imports, notes, people };
