/** The transitions of a machine: for each state and event the next state, or `null` if the event is a bug in it. */
export type Machine<State extends string, Event extends string> = Readonly<
  Record<State, Readonly<Record<Event, State | null>>>
>;

/** Returns the next state. An event that the state does not list is a bug, and throws. */
export function next<State extends string, Event extends string>(
  machine: Machine<State, Event>,
  state: State,
  event: Event,
): State {
  const to = machine[state][event];
  if (to === null) throw new Error(`Bug in @syncline/client: ${event} in the state ${state}`);
  return to;
}
