export { expectAccessible } from "./accessibility";
export { choosePerson, expectFocus, openPage, visit } from "./browser";
export { clearFaults, createCompany, fault, local, tokenLifetime, type Company, type TestPerson } from "./company";
export { downloaded } from "./download";
export { signIn } from "./session";
export { readWorkbook } from "./workbook";
export { world } from "./world";
