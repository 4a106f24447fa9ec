import { byId, notice, put } from "./dom.js";

put(byId("content"), notice("loading", "Loading …"));
