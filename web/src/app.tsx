// SPDX-License-Identifier: Apache-2.0
// Which page is on view; the title and the focus follow it.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { health } from "./api/live";
import { Devices } from "./pages/Devices";
import { Overview } from "./pages/Overview";
import { Points } from "./pages/Points";
import { useKeys } from "./keys";
import { lazy } from "./parts/Lazy";
import { KeyList } from "./parts/KeyList";
import { Palette } from "./parts/Palette";
import { Shell } from "./parts/Shell";
import { Empty } from "./parts/State";
import { Toast } from "./parts/Toast";
import { setZone } from "./format";
import { route } from "./router";
import { text } from "./text";

const Certificates = lazy(async () => (await import("./pages/Certificates")).Certificates);
const Config = lazy(async () => (await import("./pages/Config")).Config);
const Device = lazy(async () => (await import("./pages/Device")).Device);
const Explore = lazy(async () => (await import("./pages/Explore")).Explore);
const Journal = lazy(async () => (await import("./pages/Journal")).Journal);
const Overrides = lazy(async () => (await import("./pages/Overrides")).Overrides);
const Point = lazy(async () => (await import("./pages/Point")).Point);
const Sinks = lazy(async () => (await import("./pages/Sinks")).Sinks);
const System = lazy(async () => (await import("./pages/System")).System);

function page(parts: string[]) {
  const [first = "", second, ...rest] = parts;
  if (first === "devices" && second !== undefined && rest.length === 0) {
    return { title: second, body: <Device key={second} name={second} /> };
  }
  if (first === "points" && second !== undefined && rest.length > 0) {
    const path = `${second}/${rest.join("/")}`;
    return { title: path, body: <Point key={path} path={path} /> };
  }
  if (first === "sinks" && rest.length === 0) {
    return { title: second ?? text.pages.sinks, body: <Sinks name={second} /> };
  }
  if (parts.length <= 1) {
    switch (first) {
      case "":
        return { title: text.pages.overview, body: <Overview /> };
      case "devices":
        return { title: text.pages.devices, body: <Devices /> };
      case "points":
        return { title: text.pages.points, body: <Points /> };
      case "explore":
        return { title: text.pages.explore, body: <Explore /> };
      case "journal":
        return { title: text.pages.journal, body: <Journal /> };
      case "overrides":
        return { title: text.pages.overrides, body: <Overrides /> };
      case "certificates":
        return { title: text.pages.certificates, body: <Certificates /> };
      case "config":
        return { title: text.pages.config, body: <Config /> };
      case "system":
        return { title: text.pages.system, body: <System /> };
    }
  }
  return {
    title: text.shell.noPage,
    body: (
      <>
        <h1 tabIndex={-1}>{text.shell.noPage}</h1>
        <Empty title={text.shell.noPageWhy}>
          <a href="/">{text.pages.overview}</a>
        </Empty>
      </>
    ),
  };
}

export function App() {
  const { parts } = route.value;
  const { title, body } = page(parts);
  const place = parts.join("/");
  const shown = useRef<string>(undefined);
  const site = health.value?.site;
  useEffect(() => {
    document.title = `${title} · ${site?.id || text.shell.brand}`;
  }, [title, site?.id]);
  useEffect(() => setZone(site?.timezone ?? ""), [site?.timezone]);
  useLayoutEffect(() => {
    if (shown.current !== undefined) {
      window.scrollTo(0, 0);
      document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
    }
    shown.current = place;
  }, [place]);
  useKeys({ Escape: () => (document.activeElement as HTMLElement | null)?.blur() });
  return (
    <>
      <Shell>{body}</Shell>
      <KeyList />
      <Palette />
      <Toast />
    </>
  );
}
