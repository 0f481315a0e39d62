/** A condition for readiness: throws an error with the reason if it does not hold. */
export type ReadinessCheck = () => Promise<void>;
