export { threeWay } from "./three-way.ts";
