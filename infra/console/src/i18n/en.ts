import app from "@/app/texts/en.json";
import contacts from "@/contacts/texts/en.json";
import exports from "@/exports/texts/en.json";
import imports from "@/import/texts/en.json";
import notes from "@/notes/texts/en.json";
import people from "@/people/texts/en.json";

/** All texts of the language; each folder has its own under a key of its own. */
export default { ...app, contacts, exports, imports, notes, people };
