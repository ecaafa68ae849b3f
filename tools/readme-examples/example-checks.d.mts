/** The checks behind `// =>`, as the examples see them. */
export declare function prints<T extends readonly unknown[]>(where: string, expected: string, ...values: T): T;
export declare function gives<T>(where: string, expected: string, value: T): T;
