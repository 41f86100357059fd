export async function install(a: any, c: any): Promise<number> { throw new Error('x'); }
