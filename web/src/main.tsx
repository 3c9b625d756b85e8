// SPDX-License-Identifier: Apache-2.0
// Starts the page.
import "uplot/dist/uPlot.min.css";
import "./style/theme.css";
import "./style/base.css";
import "./style/shell.css";
import "./style/grid.css";
import "./style/pages.css";
import "./style/journal.css";
import { render } from "preact";
import { startLive } from "./api/live";
import { App } from "./app";
import { startKeys } from "./keys";
import { startRouter } from "./router";
import { startTheme } from "./theme";

startTheme();
startRouter();
startKeys();
startLive();
render(<App />, document.getElementById("app")!);
