// SPDX-License-Identifier: Apache-2.0
// The frame of every page: name, navigation, clock, theme, and what must be seen wherever one is.
import type { ComponentChildren } from "preact";
import { health, notLive_s, now_ms } from "../api/live";
import { clock, zoneName } from "../format";
import { keyListOpen, paletteOpen } from "../keys";
import { route } from "../router";
import { text } from "../text";
import { setTheme, theme, THEMES, type Theme } from "../theme";
import { Banners } from "./Banners";

const PAGES: [href: string, part: string, name: string][] = [
  ["/", "", text.pages.overview],
  ["/devices", "devices", text.pages.devices],
  ["/points", "points", text.pages.points],
  ["/explore", "explore", text.pages.explore],
  ["/journal", "journal", text.pages.journal],
  ["/overrides", "overrides", text.pages.overrides],
  ["/certificates", "certificates", text.pages.certificates],
  ["/sinks", "sinks", text.pages.sinks],
  ["/config", "config", text.pages.config],
  ["/system", "system", text.pages.system],
];

function Navigation() {
  const here = route.value.parts[0] ?? "";
  return (
    <nav aria-label={text.shell.pages}>
      {PAGES.map(([href, part, name]) => (
        <a key={href} href={href} aria-current={part === here ? "page" : undefined}>
          {name}
        </a>
      ))}
    </nav>
  );
}

function Clock() {
  const date = new Date(Date.now() + now_ms.value * 0);
  return (
    <time class="clock" dateTime={date.toISOString()} title={date.toISOString()}>
      {clock(date)} {zoneName(date)}
    </time>
  );
}

export function Shell({ children }: { children: ComponentChildren }) {
  const silent = notLive_s.value > 0;
  return (
    <div class={silent ? "shell silent" : "shell"}>
      <a class="skip" href="#main" data-plain>
        {text.shell.skip}
      </a>
      <header class="top">
        <a class="brand" href="/">
          {health.value?.site.id || text.shell.brand}
        </a>
        <Navigation />
        <span class="grow" />
        <button
          type="button"
          class="quiet"
          onClick={() => {
            paletteOpen.value = true;
          }}
        >
          {text.shell.search} <kbd>Ctrl K</kbd>
        </button>
        <span class={silent ? "live abnormal" : "live"}>
          {silent ? text.shell.notLive : text.shell.live}
        </span>
        <Clock />
        <label class="theme">
          <span class="only-heard">{text.shell.theme}</span>
          <select
            value={theme.value}
            onChange={(event) => setTheme(event.currentTarget.value as Theme)}
          >
            {THEMES.map((name) => (
              <option key={name} value={name}>
                {text.shell.themes[name]}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          class="quiet"
          aria-label={text.shell.keys}
          onClick={() => {
            keyListOpen.value = true;
          }}
        >
          ?
        </button>
      </header>
      <Banners />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}
