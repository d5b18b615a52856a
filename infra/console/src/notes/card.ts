import { inject, provide, shallowRef, type InjectionKey, type ShallowRef } from "vue";

/** The pointer rests on a chip for this time before its card opens, and leaves it before the card closes. */
const OPEN_MS = 150;
const CLOSE_MS = 250;

/** The chip whose person is shown. */
export interface ShownPerson {
  id: string;
  /** The name in the note, for the time in which nothing else is known. */
  name: string;
  chip: HTMLElement;
}

export interface PersonCards {
  shown: Readonly<ShallowRef<ShownPerson | null>>;
  open: (chip: HTMLElement, at?: "now" | "soon") => void;
  close: (at?: "now" | "soon") => void;
  /** Keeps the card open, because the pointer is on it. */
  keep: () => void;
}

const key: InjectionKey<PersonCards> = Symbol("person-cards");

/** One preview card for all mentions below this component. */
export function providePersonCards(): PersonCards {
  const shown = shallowRef<ShownPerson | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const after = (pause: number, action: () => void) => {
    clearTimeout(timer);
    if (pause === 0) action();
    else timer = setTimeout(action, pause);
  };
  const cards: PersonCards = {
    shown,
    open: (chip, at = "soon") => {
      const id = chip.dataset["userId"];
      if (!id) return;
      after(at === "now" ? 0 : OPEN_MS, () => {
        if (shown.value?.chip !== chip) shown.value = { id, name: (chip.textContent ?? "").replace(/^@/, ""), chip };
      });
    },
    close: (at = "soon") => after(at === "now" ? 0 : CLOSE_MS, () => (shown.value = null)),
    keep: () => clearTimeout(timer),
  };
  provide(key, cards);
  return cards;
}

export const usePersonCards = () => inject(key, null);
