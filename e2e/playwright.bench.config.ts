// The browser's numbers; not part of the tests.
import config from "./playwright.config.ts";

export default { ...config, testDir: "bench", workers: 1, timeout: 600_000, reporter: [["line"]] };
