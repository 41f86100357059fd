/** The build puts the text of our Python scripts where they are imported. */
declare module '*.py' {
  const text: string;
  export default text;
}
