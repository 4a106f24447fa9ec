// Facts about reservations: flags in words, users, order, places on a time line. No I/O, no document.

const HOUR = 3600;
const DAY = 86400;
/** The time line begins this many seconds before now and ends this many seconds after it. */
export const BEFORE = 12 * HOUR;
export const AFTER = 7 * DAY;

// Flags of scontrol(1), "show reservation".
const WORDS = {
  MAINT: "maintenance",
  ALL_NODES: "all nodes",
  ANY_NODES: "its jobs may use other nodes, too",
  DAILY: "every day",
  FIRST_CORES: "the first cores of each node",
  FLEX: "its jobs may begin before it and end after it",
  HOURLY: "every hour",
  IGNORE_JOBS: "made regardless of running jobs",
  MAGNETIC: "jobs that qualify run in it without naming it",
  NO_HOLD_JOBS: "its jobs are not held after its end",
  NO_HOLD_JOBS_AFTER_END: "its jobs are not held after its end",
  OVERLAP: "may overlap other reservations",
  PART_NODES: "all nodes of its partition",
  PURGE_COMP: "deleted when it is idle",
  REPLACE: "allocated nodes are replaced by idle ones",
  REPLACE_DOWN: "nodes that go down are replaced",
  SPEC_NODES: "named nodes",
  STATIC: "its nodes stay the same",
  STATIC_ALLOC: "its nodes stay the same",
  TIME_FLOAT: "its start moves on with the time",
  USER_DEL: "its users may delete it",
  WEEKDAY: "every weekday",
  WEEKEND: "every Saturday and Sunday",
  WEEKLY: "every week",
};
const USERS = [
  ["users", "users"],
  ["groups", "groups"],
  ["accounts", "accounts"],
  ["qos", "QOS"],
  ["allowed_partitions", "partitions"],
];
const STATES = ["ACTIVE", "UPCOMING", "PAST"];

export const isMaintenance = ({ flags }) => flags.includes("MAINT");

/** Returns flags in words, maintenance first. A flag without words stays as Slurm writes it. */
export function flagWords(flags) {
  const sorted = [...flags].sort((a, b) => Number(b === "MAINT") - Number(a === "MAINT"));
  return [...new Set(sorted.map((flag) => WORDS[flag] ?? flag))];
}

/** Returns who may use a reservation: ["users alice", "not accounts guests"]; [] without a rule. */
export function usersOf(reservation) {
  return USERS.flatMap(([field, words]) => {
    const names = reservation[field] ?? [];
    const excluded = names.filter((name) => name.startsWith("-")).map((name) => name.slice(1));
    const allowed = names.filter((name) => !name.startsWith("-"));
    return [
      allowed.length > 0 && `${words} ${allowed.join(", ")}`,
      excluded.length > 0 && `not ${words} ${excluded.join(", ")}`,
    ].filter(Boolean);
  });
}

/** Sorts reservations: active ones, upcoming ones, past ones, each by start. */
export function sortedReservations(reservations) {
  const rank = ({ state }) => STATES.indexOf(state);
  const byStart = (a, b) => (a.start_time ?? 0) - (b.start_time ?? 0) || a.name.localeCompare(b.name);
  return [...reservations].sort((a, b) => rank(a) - rank(b) || byStart(a, b));
}

/** Returns the place of an epoch second on the time line of now, 0 to 100 from its begin to its end. */
export function placeOf(epoch, at) {
  const place = (100 * (epoch - at + BEFORE)) / (BEFORE + AFTER);
  return Math.min(100, Math.max(0, place));
}

/** Returns the reservations that the time line of now shows, with begin and end, 0 to 100. */
export function barsOf(reservations, at) {
  const shown = reservations.filter(
    ({ start_time: start, end_time: end }) => start !== null && end !== null && end > at - BEFORE && start < at + AFTER,
  );
  return shown.map((reservation) => ({
    reservation,
    begin: placeOf(reservation.start_time, at),
    end: placeOf(reservation.end_time, at),
  }));
}

/** Returns the begins of days, in the reader's time zone, on the time line of now: epoch seconds. */
export function daysOf(at) {
  const day = new Date(1000 * (at - BEFORE));
  day.setHours(0, 0, 0, 0);
  const days = [];
  while (true) {
    // By the calendar, because a day may have 23 or 25 hours.
    day.setDate(day.getDate() + 1);
    const epoch = day.getTime() / 1000;
    if (epoch >= at + AFTER) return days;
    days.push(epoch);
  }
}
